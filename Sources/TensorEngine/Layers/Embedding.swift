/// A vector for each of a set of symbols.
public final class Embedding {
  /// [symbols, size]
  public let weight: Tensor

  public init(_ name: String, symbols: Int, size: Int, from source: ParameterSource) throws {
    weight = try source.parameter(
      "\(name).weight", [symbols, size], .weight, .normal(deviation: 1))
  }

  /// [count] to [count, size]
  public func callAsFunction(_ symbols: [Int32]) -> Tensor { weight.gatheringRows(symbols) }
}
