/// Self-attention over packed utterances: four projections around scaled dot-product attention, with
/// relative positions where asked for.
///
/// Vaswani et al. 2017; relative positions as Dai et al. 2019, section 3.3.
public final class MultiHeadAttention {
  public let query, key, value, output: Linear
  public let relative: (key: Linear, u: Tensor, v: Tensor)?
  public let heads: Int
  public let dropout: Float

  public init(
    _ name: String, size: Int, heads: Int, bias: Bool = true, relativePositions: Bool,
    dropout: Float = 0, outputName: String = "o_proj", from source: ParameterSource
  ) throws {
    precondition(size % heads == 0, "\(heads) heads do not divide \(size)")
    self.heads = heads
    self.dropout = dropout
    query = try Linear("\(name).q_proj", inputs: size, outputs: size, bias: bias, from: source)
    key = try Linear("\(name).k_proj", inputs: size, outputs: size, bias: bias, from: source)
    value = try Linear("\(name).v_proj", inputs: size, outputs: size, bias: bias, from: source)
    output = try Linear(
      "\(name).\(outputName)", inputs: size, outputs: size, bias: bias, from: source)
    relative =
      relativePositions
      ? (
        try Linear(
          "\(name).relative_k_proj", inputs: size, outputs: size, bias: false, from: source),
        try source.parameter(
          "\(name).bias_u", [heads, size / heads], .bias, .normal(deviation: 0.02)),
        try source.parameter(
          "\(name).bias_v", [heads, size / heads], .bias, .normal(deviation: 0.02))
      ) : nil
  }

  /// - Parameters:
  ///   - x: [rows, size].
  ///   - positions: encodings of the distances L − 1 … −(L − 1), [2L − 1, size]; used when relative.
  /// - Returns: [rows, size].
  public func callAsFunction(
    _ x: Tensor, positions: Tensor?, _ segments: Segments, _ pass: Pass
  ) -> Tensor {
    let shifted = relative.map { relative in
      guard let positions else { preconditionFailure("relative attention needs positions") }
      return (keys: relative.key(positions, pass), u: relative.u, v: relative.v)
    }
    let mixed = query(x, pass).attention(
      keys: key(x, pass), values: value(x, pass), positions: shifted, heads: heads, segments,
      dropout: dropout, pass)
    return output(mixed, pass)
  }
}
