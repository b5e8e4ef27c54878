import AcousticFeatures
import Basics
import Foundation
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
      ("\"slaney\"", "\"bark\"", "mel.scale"), ("\"spectral\"", "\"spectra\"", "kind"),
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

  @Test func specAugment() {
    let augment = SpecAugment()
    #expect(augment.frequencyMasks == 2 && augment.frequencyWidthBins == 27)
    #expect(augment.timeMasks == 10 && augment.timeWidthFraction == 0.05)
  }

  @Test(arguments: [
    ("nemo", "log-mel-aa8aae9d7d0948c5", 80, 0.01),
    ("kaldi-fbank", "kaldi-fbank-bbd4cdf60ce0e2dd", 80, 0.01),
    ("kaldi-mfcc", "kaldi-mfcc-b2c46ab294334a1d", 13, 0.01),
  ])
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
