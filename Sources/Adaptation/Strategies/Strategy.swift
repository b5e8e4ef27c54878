import Basics

/// What of a network an adaptation trains.
public enum Strategy: Sendable, Hashable, CustomStringConvertible {
  /// Everything.
  case full
  /// The output layer alone.
  case outputLayer
  /// The output layer and the `layers` topmost encoder layers.
  case upper(layers: Int)
  /// Biases alone, normalisations' too (BitFit, Ben Zaken et al. 2022).
  case bias
  /// Low-rank updates of the encoder's linear layers (Hu et al. 2021); folded in at the end.
  case lora(rank: Int)

  /// Reads `full`, `output-layer`, `upper:N`, `bias`, `lora` or `lora:RANK`.
  ///
  /// - Throws: `.invalidArgument` that lists them.
  public init(option: String) throws {
    let parts = option.split(separator: ":", maxSplits: 1).map(String.init)
    switch (parts.first, parts.count) {
    case ("full", 1): self = .full
    case ("output-layer", 1): self = .outputLayer
    case ("bias", 1): self = .bias
    case ("lora", 1): self = .lora(rank: 8)
    case ("lora", 2):
      guard let rank = Int(parts[1]), (1...1024).contains(rank) else { fallthrough }
      self = .lora(rank: rank)
    case ("upper", 2):
      guard let layers = Int(parts[1]), layers >= 1 else { fallthrough }
      self = .upper(layers: layers)
    default:
      throw IdiolectError(
        .invalidArgument,
        "strategy '\(option)': use full, output-layer, upper:N (N layers), bias or lora[:RANK]")
    }
  }

  public var description: String {
    switch self {
    case .full: "full"
    case .outputLayer: "output-layer"
    case .upper(let layers): "upper:\(layers)"
    case .bias: "bias"
    case .lora(let rank): "lora:\(rank)"
    }
  }
}
