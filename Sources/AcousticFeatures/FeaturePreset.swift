import Basics
import Foundation

/// The front ends that users know by name, each with its original's own defaults.
public enum FeaturePreset: String, Sendable, Codable, Hashable, CaseIterable {
  /// `ParakeetFeatureExtractor`, NeMo's FastConformer: 80 log-mel bins, normalised.
  case nemo
  /// Kaldi's filterbank energies, with 80 bands: Kaldi's own default is 23, but the networks that hear it have 80.
  case kaldiFbank = "kaldi-fbank"
  case kaldiMFCC = "kaldi-mfcc"
  /// `mfcc_hires.conf` of Kaldi's recipes: 40 coefficients of 40 bands.
  case kaldiMFCCHires = "kaldi-mfcc-hires"
  /// compute-and-process-kaldi-pitch-feats: voicing, pitch and its change.
  case kaldiPitch = "kaldi-pitch"
  /// Whisper's, 80 mels and always 30 seconds.
  case whisper
  case whisper128 = "whisper-128"
  case librosaMel = "librosa-mel"
  case librosaMFCC = "librosa-mfcc"
  case torchaudioMel = "torchaudio-mel"
  case torchaudioMFCC = "torchaudio-mfcc"
  /// `speechbrain.lobes.features.Fbank`
  case speechbrainFbank = "speechbrain-fbank"
  /// `SeamlessM4TFeatureExtractor`: 80 bands, normalised, two frames to a row.
  case wav2vec2Bert = "wav2vec2-bert"
  /// `Wav2Vec2FeatureExtractor`: the samples, normalised.
  case wav2vec2
  /// Mozilla DeepSpeech 0.9: 26 coefficients, 32 ms every 20 ms.
  case deepspeech
  /// The same with the nine frames before and after each.
  case deepspeechContext = "deepspeech-context"
  /// `python_speech_features.mfcc`
  case pythonSpeechFeatures = "python-speech-features"
  /// `python_speech_features.logfbank`
  case pythonSpeechFeaturesLogFbank = "python-speech-features-logfbank"
  /// speech-to-text-wavenet: 20 coefficients of librosa 0.5.
  case wavenet

  /// - Parameter name: as the command line has it, such as `kaldi-fbank`.
  /// - Throws: `.invalidArgument` that lists the names.
  public init(named name: String) throws {
    guard let preset = FeaturePreset(rawValue: name) else {
      throw IdiolectError(
        .invalidArgument,
        "no front end is named '\(name)'; there are \(FeaturePreset.allCases.map(\.rawValue).joined(separator: ", "))"
      )
    }
    self = preset
  }

  /// The rate of the samples that it takes of a recording of some rate, in Hz: the recording's own, unless the original
  /// insists on one, to which others are resampled.
  public func sampleRate(forRecordingOf recorded: Int) -> Int {
    switch self {
    case .nemo, .whisper, .whisper128, .wav2vec2, .wav2vec2Bert, .deepspeech, .deepspeechContext:
      16_000
    // Of 48 kHz it hears every third sample itself.
    case .wavenet: recorded == 48_000 ? 48_000 : 16_000
    default: recorded
    }
  }

  /// The configuration for recordings of a rate, in Hz; those of another are resampled to it first.
  ///
  /// - Parameter sampleRate: of the recording; `sampleRate(forRecordingOf:)` says what becomes of it.
  public func configuration(sampleRate: Int = 16_000) -> FrontEndConfiguration {
    let rate = self.sampleRate(forRecordingOf: sampleRate)
    switch self {
    case .nemo: return .logMel(LogMelConfiguration())
    case .kaldiFbank:
      var configuration = KaldiFbankConfiguration()
      configuration.mel.bands = 80
      configuration.frame.sampleRate = rate
      return .kaldiFbank(configuration)
    case .kaldiMFCC:
      var configuration = KaldiMFCCConfiguration()
      configuration.frame.sampleRate = rate
      return .kaldiMFCC(configuration)
    case .kaldiMFCCHires:
      var configuration = KaldiMFCCConfiguration()
      configuration.frame.sampleRate = rate
      (configuration.mel.bands, configuration.coefficients) = (40, 40)
      (configuration.mel.lowHz, configuration.mel.highHz) = (20, -400)
      configuration.usesEnergy = false
      return .kaldiMFCC(configuration)
    case .kaldiPitch:
      var configuration = KaldiPitchConfiguration()
      configuration.sampleRate = rate
      return .kaldiPitch(configuration)
    case .whisper: return .spectral(.whisper(bands: 80))
    case .whisper128: return .spectral(.whisper(bands: 128))
    case .librosaMel: return .spectral(.librosaMel(sampleRate: rate))
    case .librosaMFCC: return .spectral(.librosaMFCC(sampleRate: rate))
    case .torchaudioMel: return .spectral(.torchaudioMel(sampleRate: rate))
    case .torchaudioMFCC: return .spectral(.torchaudioMFCC(sampleRate: rate))
    case .speechbrainFbank: return .spectral(.speechbrainFbank(sampleRate: rate))
    case .wav2vec2Bert:
      return .pipeline(
        PipelineConfiguration(
          FeaturePreset.kaldiFbank.configuration(),
          steps: [
            .standardise(Standardisation(guarded: .variance(1e-7))),
            .stack(frames: 2, stride: 2, fill: 0),
          ]))
    case .wav2vec2: return .waveform(WaveformConfiguration())
    case .deepspeech: return .spectral(.deepspeech())
    case .deepspeechContext:
      return .pipeline(
        PipelineConfiguration(.spectral(.deepspeech()), steps: [.context(before: 9, after: 9)]))
    case .pythonSpeechFeatures: return .spectral(.pythonSpeechFeatures(sampleRate: rate))
    case .pythonSpeechFeaturesLogFbank:
      var configuration = SpectralConfiguration.pythonSpeechFeatures(sampleRate: rate)
      (configuration.cepstra, configuration.energy) = (nil, nil)
      return .spectral(configuration)
    case .wavenet: return .spectral(.wavenet(thinsFrom48kHz: rate == 48_000))
    }
  }
}

extension SpectralConfiguration {
  /// OpenAI's Whisper: always 30 s, the loudest of which decides what counts as silence.
  public static func whisper(bands: Int) -> SpectralConfiguration {
    var result = SpectralConfiguration()
    result.fixedSamples = 480_000
    (result.frames.fftLength, result.frames.windowLength) = (400, 400)
    result.frames.edges = .centredReflect
    result.frames.lastFrame = .dropped
    result.mel = MelConfiguration(bands: bands)
    result.logarithm = Logarithm(.decimal, .floor(1e-10), range: 8, shift: 4, gain: 0.25)
    return result
  }

  /// `librosa.feature.melspectrogram`
  public static func librosaMel(sampleRate: Int = 22_050) -> SpectralConfiguration {
    var result = SpectralConfiguration()
    result.sampleRate = sampleRate
    (result.frames.fftLength, result.frames.windowLength) = (2048, 2048)
    result.frames.hopLength = 512
    result.mel = MelConfiguration(bands: 128)
    return result
  }

  /// `librosa.feature.mfcc`
  public static func librosaMFCC(sampleRate: Int = 22_050) -> SpectralConfiguration {
    var result = librosaMel(sampleRate: sampleRate)
    result.logarithm = .eightyDecibels
    result.cepstra = Cepstra(count: 20)
    return result
  }

  /// speech-to-text-wavenet's `librosa.feature.mfcc` of librosa 0.5, which mirrored recordings at their ends.
  ///
  /// - Parameter thinsFrom48kHz: every third sample of 48 kHz, without a filter, as it read its own recordings.
  public static func wavenet(thinsFrom48kHz: Bool = false) -> SpectralConfiguration {
    var result = librosaMFCC(sampleRate: 16_000)
    if thinsFrom48kHz { (result.sampleRate, result.keepsEvery) = (48_000, 3) }
    result.frames.edges = .centredReflect
    return result
  }

  /// `torchaudio.transforms.MelSpectrogram`, whose 400 points do not follow the rate.
  public static func torchaudioMel(sampleRate: Int = 16_000) -> SpectralConfiguration {
    var result = SpectralConfiguration()
    result.sampleRate = sampleRate
    (result.frames.fftLength, result.frames.windowLength) = (400, 400)
    result.frames.hopLength = 200
    result.frames.edges = .centredReflect
    result.mel = MelConfiguration(bands: 128, scale: .htk, hasUnitArea: false)
    result.mel?.halvesToWholeHertz = true
    return result
  }

  /// `torchaudio.transforms.MFCC`
  public static func torchaudioMFCC(sampleRate: Int = 16_000) -> SpectralConfiguration {
    var result = torchaudioMel(sampleRate: sampleRate)
    result.logarithm = .eightyDecibels
    result.cepstra = Cepstra(count: 40)
    return result
  }

  /// `speechbrain.lobes.features.Fbank`, whose bands are as wide above their centres as below.
  public static func speechbrainFbank(sampleRate: Int = 16_000) -> SpectralConfiguration {
    var result = SpectralConfiguration()
    result.sampleRate = sampleRate
    result.frames.fftLength = 400
    result.frames.windowLength = Int((Double(sampleRate) * 0.025).rounded(.toNearestOrEven))
    result.frames.hopLength = Int((Double(sampleRate) * 0.010).rounded(.toNearestOrEven))
    result.frames.window = .periodicHamming
    result.mel = MelConfiguration(bands: 40, scale: .htk, shape: .symmetric, hasUnitArea: false)
    result.mel?.halvesToWholeHertz = true
    result.logarithm = .eightyDecibels
    return result
  }

  /// TensorFlow's `audio_spectrogram` and `mfcc` as Mozilla DeepSpeech calls them.
  public static func deepspeech() -> SpectralConfiguration {
    var result = SpectralConfiguration()
    (result.frames.fftLength, result.frames.windowLength) = (512, 512)
    result.frames.hopLength = 320
    result.frames.edges = .inside
    (result.spectrum, result.isDouble) = (.magnitude, true)
    var mel = MelConfiguration(
      bands: 40, scale: .kaldi, shape: .mel, hasUnitArea: false, lowHz: 20)
    mel.leavesOutLowest = true
    result.mel = mel
    result.logarithm = Logarithm(.natural, .floor(1e-12))
    result.cepstra = Cepstra(count: 26, isOrthonormal: false)
    return result
  }

  /// `python_speech_features.mfcc`: no window, and frames beyond 512 samples cut to them.
  public static func pythonSpeechFeatures(sampleRate: Int = 16_000) -> SpectralConfiguration {
    var result = SpectralConfiguration()
    result.sampleRate = sampleRate
    result.scale = 32_768
    result.emphasis = .recording(0.97)
    result.frames.windowLength = Int((Double(sampleRate) * 0.025 + 0.5).rounded(.down))
    result.frames.hopLength = Int((Double(sampleRate) * 0.010 + 0.5).rounded(.down))
    (result.frames.edges, result.frames.place) = (.filled, .start)
    result.frames.window = .rectangular
    (result.spectrum, result.isDouble) = (.periodogram, true)
    result.mel = MelConfiguration(bands: 26, scale: .htk, shape: .bins, hasUnitArea: false)
    result.logarithm = Logarithm(.natural, .zero(0x1p-52))
    result.cepstra = Cepstra(count: 13, lifter: 22)
    result.energy = FrameEnergy(source: .spectrum, place: .replacesFirst)
    return result
  }
}
