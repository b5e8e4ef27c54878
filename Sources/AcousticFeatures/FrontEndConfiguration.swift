import Basics

/// The configuration of any front end, as it is stored with a model.
///
///     {"kind": "log-mel", "melBins": 80, …}
public indirect enum FrontEndConfiguration: Sendable, Codable, Hashable {
  case logMel(LogMelConfiguration)
  case kaldiFbank(KaldiFbankConfiguration)
  case kaldiMFCC(KaldiMFCCConfiguration)
  case spectral(SpectralConfiguration)
  case waveform(WaveformConfiguration)
  case kaldiPitch(KaldiPitchConfiguration)
  case pipeline(PipelineConfiguration)
  case joined(JoinedConfiguration)

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public func frontEnd() throws -> any FrontEnd {
    switch self {
    case .logMel(let configuration): try LogMel(configuration)
    case .kaldiFbank(let configuration): try KaldiFbank(configuration)
    case .kaldiMFCC(let configuration): try KaldiMFCC(configuration)
    case .spectral(let configuration): try SpectralFrontEnd(configuration)
    case .waveform(let configuration): try Waveform(configuration)
    case .kaldiPitch(let configuration): try KaldiPitch(configuration)
    case .pipeline(let configuration): try FeaturePipeline(configuration)
    case .joined(let configuration): try Joined(configuration)
    }
  }

  private enum Kind: String, NamedChoice {
    case logMel = "log-mel"
    case kaldiFbank = "kaldi-fbank"
    case kaldiMFCC = "kaldi-mfcc"
    case kaldiPitch = "kaldi-pitch"
    case spectral, waveform, pipeline, joined
  }

  private enum Keys: String, CodingKey { case kind }

  public init(from decoder: any Decoder) throws {
    switch try decoder.container(keyedBy: Keys.self).decode(Kind.self, forKey: .kind) {
    case .logMel: self = .logMel(try LogMelConfiguration(from: decoder))
    case .kaldiFbank: self = .kaldiFbank(try KaldiFbankConfiguration(from: decoder))
    case .kaldiMFCC: self = .kaldiMFCC(try KaldiMFCCConfiguration(from: decoder))
    case .spectral: self = .spectral(try SpectralConfiguration(from: decoder))
    case .waveform: self = .waveform(try WaveformConfiguration(from: decoder))
    case .kaldiPitch: self = .kaldiPitch(try KaldiPitchConfiguration(from: decoder))
    case .pipeline: self = .pipeline(try PipelineConfiguration(from: decoder))
    case .joined: self = .joined(try JoinedConfiguration(from: decoder))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    func write(_ kind: Kind, _ configuration: some Encodable) throws {
      try container.encode(kind, forKey: .kind)
      try configuration.encode(to: encoder)
    }
    switch self {
    case .logMel(let configuration): try write(.logMel, configuration)
    case .kaldiFbank(let configuration): try write(.kaldiFbank, configuration)
    case .kaldiMFCC(let configuration): try write(.kaldiMFCC, configuration)
    case .spectral(let configuration): try write(.spectral, configuration)
    case .waveform(let configuration): try write(.waveform, configuration)
    case .kaldiPitch(let configuration): try write(.kaldiPitch, configuration)
    case .pipeline(let configuration): try write(.pipeline, configuration)
    case .joined(let configuration): try write(.joined, configuration)
    }
  }
}

/// The front end of a preset, such as `nemo` or `kaldi-fbank`.
///
/// - Parameter sampleRate: of the recordings, in Hz, for presets that follow it.
/// - Throws: `.invalidArgument` that lists the names.
public func frontEnd(named name: String, sampleRate: Int = 16_000) throws -> any FrontEnd {
  try FeaturePreset(named: name).configuration(sampleRate: sampleRate).frontEnd()
}
