import Basics

/// What of a network an adaptation trains.
public enum Strategy: Sendable, Hashable, CustomStringConvertible {
  /// Short trials of several on the target's own data choose.
  case automatic
  /// Everything.
  case full
  /// The output layer alone.
  case outputLayer
  /// The output layer and the `layers` topmost encoder layers.
  case upper(layers: Int)
  /// Biases alone, normalisations' too (BitFit, Ben Zaken et al. 2022).
  case bias
  /// Gains and biases of the normalisations alone.
  case norm
  /// An amplitude of each hidden unit of the feed-forward modules (LHUC, Swietojanski and Renals 2014); folded
  /// in at the end.
  case lhuc
  /// Everything in the end, from the output layer down: a layer more at even intervals over the first half of
  /// training (Howard and Ruder 2018).
  case gradual
  /// Adapters at the end of every encoder layer, a narrow layer and a wide one (Houlsby et al. 2019), in a
  /// network that is the base's otherwise; `width` nil for 64, or that of the base's own.
  case adapter(width: Int?)
  /// Low-rank updates of the encoder's linear layers (Hu et al. 2021); folded in at the end.
  case lora(rank: Int)

  /// Reads `auto`, `full`, `output-layer`, `upper:N`, `gradual`, `bias`, `norm`, `lhuc`, `adapter`, `adapter:WIDTH`,
  /// `lora` or `lora:RANK`.
  ///
  /// - Throws: `.invalidArgument` that lists them.
  public init(option: String) throws {
    let parts = option.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      .map(String.init)
    let number = parts.count == 2 ? Int(parts[1]) : nil
    switch (parts.first, parts.count, number) {
    case ("auto", 1, _): self = .automatic
    case ("full", 1, _): self = .full
    case ("output-layer", 1, _): self = .outputLayer
    case ("bias", 1, _): self = .bias
    case ("norm", 1, _): self = .norm
    case ("lhuc", 1, _): self = .lhuc
    case ("gradual", 1, _): self = .gradual
    case ("adapter", 1, _): self = .adapter(width: nil)
    case ("adapter", 2, let width?) where (1...4096).contains(width): self = .adapter(width: width)
    case ("lora", 1, _): self = .lora(rank: 8)
    case ("lora", 2, let rank?) where (1...1024).contains(rank): self = .lora(rank: rank)
    case ("upper", 2, let layers?) where layers >= 1: self = .upper(layers: layers)
    default:
      throw IdiolectError(
        .invalidArgument,
        "strategy '\(option)': use auto, full, output-layer, upper:N (N layers), gradual, bias, norm, lhuc, adapter[:WIDTH] (1 to 4096) or lora[:RANK] (1 to 1024)"
      )
    }
  }

  /// Whether adapters are added to the network.
  var isAdapter: Bool { if case .adapter = self { true } else { false } }

  public var description: String {
    switch self {
    case .automatic: "auto"
    case .full: "full"
    case .outputLayer: "output-layer"
    case .upper(let layers): "upper:\(layers)"
    case .bias: "bias"
    case .norm: "norm"
    case .lhuc: "lhuc"
    case .gradual: "gradual"
    case .adapter(let width): "adapter" + (width.map { ":\($0)" } ?? "")
    case .lora(let rank): "lora:\(rank)"
    }
  }
}
