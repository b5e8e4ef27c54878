import AcousticFeatures
import Basics
import Foundation
import TestSupport
import Testing

/// Defaults are part of the format of stored models: to change one is to break them.
@Suite struct ConfigurationDefaultsTests {
  func json(_ configuration: FrontEndConfiguration) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(configuration), as: UTF8.self)
  }

  @Test func logMel() throws {
    let configuration = LogMelConfiguration()
    #expect(configuration.sampleRate == 16_000)
    #expect(configuration.melBins == 80)
    #expect(configuration.fftLength == 512)
    #expect(configuration.windowLength == 400)
    #expect(configuration.hopLength == 160)
    #expect(configuration.window == .hann)
    #expect(configuration.preemphasis == 0.97)
    #expect(configuration.lowHz == 0)
    #expect(configuration.highHz == nil)
    #expect(configuration.logOffset == pow(2, -24))
    #expect(configuration.normalization == .perFeature)
    #expect(configuration.deviationOffset == 1e-5)
  }

  /// Every preset survives as a file; what is missing, unknown or impossible is named.
  @Test func files() throws {
    for preset in FeaturePreset.allCases {
      let configuration = preset.configuration()
      let data = Data(try configuration.json().utf8)
      #expect(try FrontEndConfiguration(json: data, name: "x.json") == configuration)
    }
    let whole = try FeaturePreset.whisper.configuration().json()
    for (old, new, named) in [
      ("\"hopLength\" : 160", "\"hopLength\" : 160, \"hops\" : 1", "unknown setting frames.hops"),
      ("\"hopLength\" : 160,", "", "frames.hopLength is missing"),
      ("\"hopLength\" : 160", "\"hopLength\" : true", "frames.hopLength has the wrong type"),
      ("\"hopLength\" : 160", "\"hopLength\" : 0", "hopLength is 0"),
      ("\"slaney\"", "\"bark\"", #"mel.scale: "bark" is none of slaney, htk, kaldi"#),
      ("\"spectral\"", "\"spectra\"", #"kind: "spectra" is none of log-mel"#),
      ("\"slaney\"", "\"\\u001b[31m\\n\"", #"mel.scale: "\u{1B}[31m\n" is none of"#),
      ("\"hopLength\" : 160", "\"hopLength\" : 1.5", "not whole"),
      ("\"hopLength\" : 160", "\"hopLength\" : 1e30", "too large"),
      ("{", "[", "not JSON"),
    ] {
      let text = whole.replacingOccurrences(of: old, with: new)
      try #require(text != whole)
      let error = #expect(throws: IdiolectError.self) {
        try FrontEndConfiguration(json: Data(text.utf8), name: "x.json")
      }
      #expect(error?.message.hasPrefix("x.json: ") == true)
      #expect(error?.message.contains(named) == true, "\(named): \(error?.message ?? "")")
    }
  }

  @Test func kaldi() {
    let frame = KaldiFrameConfiguration()
    #expect(frame.sampleRate == 16_000)
    #expect(frame.frameShiftMilliseconds == 10)
    #expect(frame.frameLengthMilliseconds == 25)
    #expect(frame.dither == 0)
    #expect(frame.preemphasis == 0.97)
    #expect(frame.removesOffset)
    #expect(frame.window == .povey)
    #expect(frame.roundsToPowerOfTwo)
    #expect(frame.snipsEdges)
    #expect(frame.scalesToInt16)
    let mel = KaldiMelConfiguration()
    #expect(mel.bands == 23 && mel.lowHz == 20 && mel.highHz == 0)
    let fbank = KaldiFbankConfiguration()
    #expect(fbank.frame == frame && fbank.mel == mel)
    #expect(!fbank.usesEnergy && fbank.energyFloor == 0 && fbank.usesRawEnergy)
    #expect(fbank.usesLogarithm && fbank.usesPower)
    let mfcc = KaldiMFCCConfiguration()
    #expect(mfcc.frame == frame && mfcc.mel == mel)
    #expect(mfcc.coefficients == 13 && mfcc.lifter == 22)
    #expect(mfcc.usesEnergy && mfcc.energyFloor == 0 && mfcc.usesRawEnergy)
  }

  @Test func spectral() {
    let spectral = SpectralConfiguration()
    #expect(spectral.sampleRate == 16_000 && spectral.keepsEvery == 1 && spectral.scale == 1)
    #expect(spectral.fixedSamples == nil && spectral.emphasis == .none)
    #expect(spectral.frames == Framing() && spectral.spectrum == .power && !spectral.isDouble)
    #expect(spectral.mel == MelConfiguration() && spectral.logarithm == .none)
    #expect(spectral.cepstra == nil && spectral.energy == nil)
    let frames = Framing()
    #expect(frames.fftLength == 512 && frames.windowLength == 400 && frames.hopLength == 160)
    #expect(frames.window == .periodicHann && frames.edges == .centredZeros)
    #expect(frames.place == .middle && frames.lastFrame == .kept)
    #expect(!frames.removesOffset && frames.dither == 0)
    let mel = MelConfiguration()
    #expect(mel.bands == 80 && mel.scale == .slaney && mel.shape == .hertz && mel.hasUnitArea)
    #expect(mel.lowHz == 0 && mel.highHz == 0)
    #expect(!mel.leavesOutNyquist && !mel.halvesToWholeHertz && !mel.leavesOutLowest)
    let logarithm = Logarithm()
    #expect(logarithm.kind == .natural && logarithm.guarded == .floor(1e-10))
    #expect(logarithm.range == nil && logarithm.shift == 0 && logarithm.gain == 1)
    #expect(Logarithm.none.kind == .none)
    #expect(Logarithm.eightyDecibels == Logarithm(.decibels, .floor(1e-10), range: 80))
    #expect(Cepstra() == Cepstra(count: 13, lifter: 0, isOrthonormal: true))
    #expect(FrameEnergy() == FrameEnergy(source: .samples, place: .first, floor: 0))
  }

  @Test func stepsAndWaveform() {
    let deltas = Deltas()
    #expect(deltas.convention == .regression && deltas.reachOfOne == 2 && deltas.order == 2)
    #expect(deltas.keepsFeatures)
    let sliding = SlidingNormalisation()
    #expect(sliding.window == 600 && sliding.minimum == 100)
    #expect(!sliding.isCentred && !sliding.scalesVariance)
    let standardisation = Standardisation()
    #expect(standardisation.isUnbiased && standardisation.guarded == .deviation(1e-5))
    #expect(!standardisation.keepsDeviation)
    #expect(WaveformConfiguration().sampleRate == 16_000 && WaveformConfiguration().normalises)
    #expect(KaldiPitchConfiguration().sampleRate == 16_000)
  }

  /// Every setting of every preset, as `Scripts/golden/preset-settings` last wrote them from `features --describe`.
  @Test(arguments: FeaturePreset.allCases.map(\.rawValue), [16_000, 48_000])
  func presetSettings(name: String, rate: Int) throws {
    let path = "\(Golden.directory)/features/preset-settings.json"
    let golden = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: path)))
    let configuration = try FeaturePreset(named: name).configuration(sampleRate: rate)
    guard (try? configuration.frontEnd()) != nil else {
      #expect(name == "speechbrain-fbank" && golden["\(name) \(rate)"] == nil)
      return
    }
    let expected = try #require(golden["\(name) \(rate)"])
    #expect(try JSONValue(parsing: Data(configuration.json().utf8)) == expected)
  }

  @Test func specAugment() {
    let augment = SpecAugment()
    #expect(augment.frequencyMasks == 2 && augment.frequencyWidthBins == 27)
    #expect(augment.timeMasks == 10 && augment.timeWidthFraction == 0.05)
  }

  @Test(
    arguments: [
      ("nemo", "log-mel-aa8aae9d7d0948c5", 80, 0.01),
      ("kaldi-fbank", "kaldi-fbank-defedb43f802951e", 80, 0.01),
      ("kaldi-mfcc", "kaldi-mfcc-21878879b90694ec", 13, 0.01),
      ("kaldi-mfcc-hires", "kaldi-mfcc-5635817e7614beff", 40, 0.01),
      ("kaldi-pitch", "kaldi-pitch-cbdd850025453294", 3, 0.01),
      ("whisper", "spectral-b7480eb10198e441", 80, 0.01),
      ("whisper-128", "spectral-3b646962a6b34476", 128, 0.01),
      ("librosa-mel", "spectral-06a66325856b785a", 128, 0.032),
      ("librosa-mfcc", "spectral-69159fd94a0fc0d6", 20, 0.032),
      ("torchaudio-mel", "spectral-88ff00350c32f9f1", 128, 0.0125),
      ("torchaudio-mfcc", "spectral-8638bc7e1ed759ab", 40, 0.0125),
      ("speechbrain-fbank", "spectral-31e7276d300df87b", 40, 0.01),
      ("wav2vec2-bert", "pipeline-ca0995ea6433e59f", 160, 0.02),
      ("wav2vec2", "waveform-82c95e210669ca8d", 1, 1.0 / 16_000),
      ("deepspeech", "spectral-951ceb1834557b82", 26, 0.02),
      ("deepspeech-context", "pipeline-05f43c0f2650bcb9", 494, 0.02),
      ("python-speech-features", "spectral-48cb9481222cfe79", 13, 0.01),
      ("python-speech-features-logfbank", "spectral-cd118aeec35718cd", 26, 0.01),
      ("wavenet", "spectral-ada1031a07603a1c", 20, 0.032),
    ] as [(String, String, Int, Double)])
  func presetsAndTheirFingerprints(name: String, fingerprint: String, bins: Int, hop: Double) throws
  {
    let made = try frontEnd(named: name)
    #expect(made.fingerprint == fingerprint)
    #expect(made.bins == bins)
    #expect(made.sampleRate == 16_000)
    #expect(made.hopSeconds == hop)
  }

  /// Settings that would make what is no number, or more than there is memory for.
  @Test func impossibleSettings() throws {
    func refuse(_ steps: [FeatureStep], _ base: FeaturePreset = .kaldiMFCC) {
      let error = #expect(throws: IdiolectError.self) {
        try FeaturePipeline(PipelineConfiguration(base.configuration(), steps: steps))
      }
      #expect(error?.code == .invalidArgument)
    }
    for offset in [0, -1, 1e-300, .nan] {
      refuse([.standardise(Standardisation(guarded: .deviation(offset)))])
      refuse([.standardise(Standardisation(guarded: .variance(offset)))])
    }
    refuse([
      .affine(means: .init(repeating: 0, count: 13), scales: .init(repeating: 3e38, count: 13))
    ])
    refuse([
      .affine(means: .init(repeating: .nan, count: 13), scales: .init(repeating: 1, count: 13))
    ])
    refuse([.deltas(Deltas(.polynomial, reach: 1, order: 4))])
    refuse([.stack(frames: 2, stride: 2, fill: .infinity)])
    refuse(.init(repeating: .stack(frames: 100, stride: 100, fill: 0), count: 4))
    refuse(.init(repeating: .context(before: 100, after: 100), count: 3))
    // A window shorter than it waits for would be another in a stream.
    var sliding = SlidingNormalisation()
    sliding.window = 99
    refuse([.slidingNormalisation(sliding)])
    sliding.isCentred = true
    #expect(throws: Never.self) {
      try FeaturePipeline(
        PipelineConfiguration(
          FeaturePreset.kaldiMFCC.configuration(), steps: [.slidingNormalisation(sliding)]))
    }
    let changes: [(inout SpectralConfiguration) -> Void] = [
      { $0.logarithm.gain = 0 }, { $0.logarithm.gain = .nan }, { $0.logarithm.gain = .infinity },
      { $0.logarithm.shift = .nan }, { $0.logarithm.shift = -.infinity },
      { $0.logarithm.range = .infinity }, { $0.energy = FrameEnergy(floor: -1) },
      { $0.energy = FrameEnergy(floor: .nan) }, { $0.energy = FrameEnergy(floor: .infinity) },
      { $0.frames.hopLength = 401 }, { $0.frames.hopLength = 0 },
    ]
    for (index, change) in changes.enumerated() {
      var spectral = SpectralConfiguration()
      change(&spectral)
      let error = #expect(throws: IdiolectError.self, "\(index)") {
        try SpectralFrontEnd(spectral)
      }
      #expect(error?.code == .invalidArgument)
    }
    for samples in [0, 1_000_000_000, .max] {
      var whisper = SpectralConfiguration.whisper(bands: 80)
      whisper.fixedSamples = samples
      #expect(throws: IdiolectError.self) { try SpectralFrontEnd(whisper) }
    }
    // What only shows in the numbers is said of the settings, not of the sound.
    var loud = SpectralConfiguration.librosaMel()
    loud.scale = 1e30
    let frontEnd = try SpectralFrontEnd(loud)
    let error = #expect(throws: IdiolectError.self) {
      try frontEnd([Float](repeating: 0.5, count: 9000))
    }
    #expect(error?.code == .invalidArgument && error?.message.contains("settings") == true)
  }

  /// torchaudio and SpeechBrain halve an odd rate to whole Hz; speech-to-text-wavenet thins 48 kHz.
  @Test func ratesThatOriginalsRound() throws {
    let odd = FeaturePreset.torchaudioMel.configuration(sampleRate: 11_025)
    guard case .spectral(let spectral) = odd,
      case .spectral(let thinned) =
        FeaturePreset.wavenet.configuration(sampleRate: 48_000)
    else {
      Issue.record("another kind")
      return
    }
    #expect(spectral.mel?.upperEdge(sampleRate: 11_025) == 5512)
    #expect(thinned.keepsEvery == 3 && thinned.sampleRate == 48_000)
    #expect(
      FeaturePreset.wavenet.configuration(sampleRate: 44_100)
        == FeaturePreset.wavenet.configuration())
  }

  @Test(arguments: FeaturePreset.allCases.map(\.rawValue))
  func everyPresetSurvivesItsJSON(name: String) throws {
    let configuration = try FeaturePreset(named: name).configuration()
    let text = try json(configuration)
    let back = try JSONDecoder().decode(FrontEndConfiguration.self, from: Data(text.utf8))
    #expect(back == configuration)
    #expect(try back.frontEnd().fingerprint == configuration.frontEnd().fingerprint)
  }

  @Test func everySettingChangesTheFingerprint() throws {
    let base = try LogMel().fingerprint
    let changes: [(inout LogMelConfiguration) -> Void] = [
      { $0.sampleRate = 8000 }, { $0.melBins = 81 }, { $0.fftLength = 1024 },
      { $0.windowLength = 401 }, { $0.hopLength = 161 }, { $0.window = .periodicHann },
      { $0.preemphasis = 0.95 }, { $0.lowHz = 20 }, { $0.highHz = 7000 }, { $0.logOffset = 1e-6 },
      { $0.normalization = .none }, { $0.deviationOffset = 1e-6 },
    ]
    var seen: Set<String> = [base]
    for change in changes {
      var configuration = LogMelConfiguration()
      change(&configuration)
      #expect(seen.insert(try LogMel(configuration).fingerprint).inserted)
    }
  }

  /// One range of rates for every front end.
  @Test func ratesOfFrontEnds() throws {
    #expect(FrontEndConfiguration.sampleRates == 8_000...192_000)
    func configurations(_ rate: Int) -> [FrontEndConfiguration] {
      var (logMel, fbank, mfcc) = (
        LogMelConfiguration(), KaldiFbankConfiguration(), KaldiMFCCConfiguration()
      )
      (logMel.sampleRate, fbank.frame.sampleRate, mfcc.frame.sampleRate) = (rate, rate, rate)
      // 1 to 100 ms, at any of these rates.
      (logMel.hopLength, logMel.windowLength, logMel.fftLength) = (400, 400, 512)
      var (spectral, waveform) = (SpectralConfiguration(), WaveformConfiguration())
      (spectral.sampleRate, waveform.sampleRate) = (rate, rate)
      var pitch = KaldiPitchConfiguration()
      pitch.sampleRate = rate
      return [
        .logMel(logMel), .kaldiFbank(fbank), .kaldiMFCC(mfcc), .spectral(spectral),
        .waveform(waveform), .kaldiPitch(pitch),
      ]
    }
    for rate in [8_000, 192_000] {
      for configuration in configurations(rate) {
        #expect(throws: Never.self) { try configuration.frontEnd() }
      }
    }
    for rate in [7_999, 192_001] {
      for configuration in configurations(rate) {
        let error = #expect(throws: IdiolectError.self) { try configuration.frontEnd() }
        #expect(error?.message.contains("sampleRate is \(rate) Hz") == true)
      }
    }
    // What each hears of a recording.
    #expect(FeaturePreset.wavenet.sampleRate(forRecordingOf: 48_000) == 48_000)
    #expect(FeaturePreset.wavenet.sampleRate(forRecordingOf: 44_100) == 16_000)
    for preset in FeaturePreset.allCases where preset != .speechbrainFbank {
      for rate in [8_000, 44_100, 48_000] {
        let frontEnd = try preset.configuration(sampleRate: rate).frontEnd()
        #expect(frontEnd.sampleRate == preset.sampleRate(forRecordingOf: rate))
      }
    }
  }

  @Test func unknownPresetNamesTheKnownOnes() {
    let error = #expect(throws: IdiolectError.self) { try frontEnd(named: "whisper-9") }
    #expect(error?.message.contains("nemo, kaldi-fbank, kaldi-mfcc") == true)
  }

  @Test func senselessSettingsAreRefused() {
    let changes: [(inout LogMelConfiguration) -> Void] = [
      { $0.hopLength = 0 }, { $0.hopLength = -1 }, { $0.windowLength = 513 },
      { $0.windowLength = 0 },
      { $0.fftLength = .max }, { $0.melBins = 0 }, { $0.sampleRate = 0 }, { $0.preemphasis = .nan },
      { $0.highHz = 9000 }, { $0.lowHz = 8000 }, { $0.logOffset = 0 }, { $0.deviationOffset = -1 },
    ]
    for change in changes {
      var configuration = LogMelConfiguration()
      change(&configuration)
      #expect(throws: IdiolectError.self) { try LogMel(configuration) }
    }
    let kaldi: [(inout KaldiMFCCConfiguration) -> Void] = [
      { $0.frame.frameShiftMilliseconds = 0 }, { $0.frame.frameShiftMilliseconds = .infinity },
      { $0.frame.frameLengthMilliseconds = .nan }, { $0.frame.sampleRate = .max },
      { $0.frame.frameShiftMilliseconds = 0.01 }, { $0.mel.bands = 0 }, { $0.mel.highHz = -8000 },
      { $0.coefficients = 24 }, { $0.lifter = -1 }, { $0.energyFloor = .nan },
    ]
    for change in kaldi {
      var configuration = KaldiMFCCConfiguration()
      change(&configuration)
      #expect(throws: IdiolectError.self) { try KaldiMFCC(configuration) }
    }
  }
}
