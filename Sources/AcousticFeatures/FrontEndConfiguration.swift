import Basics

/// The configuration of any front end, as it is stored with a model.
///
///     {"kind": "log-mel", "melBins": 80, …}
public enum FrontEndConfiguration: Sendable, Codable, Hashable {
  case logMel(LogMelConfiguration)
  case kaldiFbank(KaldiFbankConfiguration)
  case kaldiMFCC(KaldiMFCCConfiguration)

  /// The names that `init(named:)` knows.
  public static let names = ["nemo", "kaldi-fbank", "kaldi-mfcc"]

  /// A preset: `nemo` (80 log-mel bins, normalised), `kaldi-fbank` (80 bands), `kaldi-mfcc` (13 coefficients).
  ///
  /// - Throws: `.invalidArgument` that lists the names.
  public init(named name: String) throws {
    switch name {
    case "nemo": self = .logMel(LogMelConfiguration())
    case "kaldi-fbank":
      // Kaldi's own default is 23 bands; the networks that hear this front end have 80.
      var configuration = KaldiFbankConfiguration()
      configuration.mel.bands = 80
      self = .kaldiFbank(configuration)
    case "kaldi-mfcc": self = .kaldiMFCC(KaldiMFCCConfiguration())
    default:
      throw IdiolectError(
        .invalidArgument,
        "no front end is named '\(name)'; there are \(FrontEndConfiguration.names.joined(separator: ", "))"
      )
    }
  }

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public func frontEnd() throws -> any FrontEnd {
    switch self {
    case .logMel(let configuration): try LogMel(configuration)
    case .kaldiFbank(let configuration): try KaldiFbank(configuration)
    case .kaldiMFCC(let configuration): try KaldiMFCC(configuration)
    }
  }

  private enum Kind: String, Codable {
    case logMel = "log-mel"
    case kaldiFbank = "kaldi-fbank"
    case kaldiMFCC = "kaldi-mfcc"
  }

  private enum Keys: String, CodingKey { case kind }

  public init(from decoder: any Decoder) throws {
    switch try decoder.container(keyedBy: Keys.self).decode(Kind.self, forKey: .kind) {
    case .logMel: self = .logMel(try LogMelConfiguration(from: decoder))
    case .kaldiFbank: self = .kaldiFbank(try KaldiFbankConfiguration(from: decoder))
    case .kaldiMFCC: self = .kaldiMFCC(try KaldiMFCCConfiguration(from: decoder))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    switch self {
    case .logMel(let configuration):
      try container.encode(Kind.logMel, forKey: .kind)
      try configuration.encode(to: encoder)
    case .kaldiFbank(let configuration):
      try container.encode(Kind.kaldiFbank, forKey: .kind)
      try configuration.encode(to: encoder)
    case .kaldiMFCC(let configuration):
      try container.encode(Kind.kaldiMFCC, forKey: .kind)
      try configuration.encode(to: encoder)
    }
  }
}

/// The front end of a preset: `nemo`, `kaldi-fbank` or `kaldi-mfcc`.
///
/// - Throws: `.invalidArgument` that lists the names.
public func frontEnd(named name: String) throws -> any FrontEnd {
  try FrontEndConfiguration(named: name).frontEnd()
}
