/// Where the places of frames enter an attention.
public enum AttentionPositions: Sendable, Equatable {
  case none
  /// Sinusoids of the distance, projected to keys (Dai et al. 2019, section 3.3).
  case relative
  /// A learnt key for each distance from `before` frames before the query to `after` frames after it; those
  /// farther off count as these (Shaw et al. 2018).
  case learnt(before: Int, after: Int)
  /// What queries and keys are made of is turned by its place (Su et al. 2021).
  case rotary
  /// Learnt biases of the distance, which the query lets count more or less (Chi et al. 2022).
  case gated
}

/// What an attention's parts are called in a checkpoint.
public struct AttentionNames: Sendable {
  public var query = "q_proj"
  public var key = "k_proj"
  public var value = "v_proj"
  public var output = "o_proj"
  public var relativeKey = "relative_k_proj"
  public var u = "bias_u"
  public var v = "bias_v"

  public init() {}

  /// Those of wav2vec 2.0 and of what followed it.
  public static var wav2vec2: AttentionNames {
    var names = AttentionNames()
    names.output = "out_proj"
    return names
  }

  /// Those of Conformers that followed wav2vec 2.0.
  public static var conformer: AttentionNames {
    var names = AttentionNames()
    (names.query, names.key) = ("linear_q", "linear_k")
    (names.value, names.output) = ("linear_v", "linear_out")
    (names.relativeKey, names.u, names.v) = ("linear_pos", "pos_bias_u", "pos_bias_v")
    return names
  }
}

/// Self-attention over packed utterances: four projections around scaled dot-product attention.
///
/// Vaswani et al. 2017.
public final class MultiHeadAttention {
  public let query, key, value, output: Linear
  public let heads: Int
  public let dropout: Float
  private let positions: Positions

  private enum Positions {
    case none
    case relative(key: Linear, u: Tensor, v: Tensor)
    /// [before + 1 + after, size of a head]
    case learnt(keys: Tensor, before: Int, after: Int, zero: Tensor)
    case rotary
    case gated(projection: Linear, constants: Tensor)
  }

  public init(
    _ name: String, size: Int, heads: Int, bias: Bool = true, positions: AttentionPositions,
    dropout: Float = 0, names: AttentionNames = .init(), from source: ParameterSource
  ) throws {
    precondition(size % heads == 0, "\(heads) heads do not divide \(size)")
    self.heads = heads
    self.dropout = dropout
    func linear(_ part: String, bias: Bool) throws -> Linear {
      try Linear("\(name).\(part)", inputs: size, outputs: size, bias: bias, from: source)
    }
    func learnt(_ part: String) throws -> Tensor {
      try source.parameter(
        "\(name).\(part)", [heads, size / heads], .bias, .normal(deviation: 0.02))
    }
    query = try linear(names.query, bias: bias)
    key = try linear(names.key, bias: bias)
    value = try linear(names.value, bias: bias)
    output = try linear(names.output, bias: bias)
    switch positions {
    case .none: self.positions = .none
    case .rotary: self.positions = .rotary
    case .relative:
      self.positions = .relative(
        key: try linear(names.relativeKey, bias: false), u: try learnt(names.u),
        v: try learnt(names.v))
    case .learnt(let before, let after):
      self.positions = .learnt(
        keys: try source.parameter(
          "\(name).distance_embedding.weight", [before + 1 + after, size / heads], .weight,
          .normal(deviation: 0.02)),
        before: before, after: after, zero: Tensor(repeating: 0, shape: [size]))
    case .gated:
      self.positions = .gated(
        projection: try Linear(
          "\(name).gru_rel_pos_linear", inputs: size / heads, outputs: 8, from: source),
        constants: try source.parameter(
          "\(name).gru_rel_pos_const", [1, heads, 1, 1], .bias, .constant(1)))
    }
  }

  /// Keys of the distances and biases of the queries, where positions are relative.
  package var relative: (key: Linear, u: Tensor, v: Tensor)? {
    if case .relative(let key, let u, let v) = positions { (key, u, v) } else { nil }
  }

  /// - Parameters:
  ///   - x: [rows, size].
  ///   - shared: what the layers of a network share: for relative positions encodings of the distances
  ///     L − 1 … −(L − 1), [2L − 1, size]; for gated biases those of the distances, [2L − 1, heads]; for rotary
  ///     positions frequencies, [size / heads / 2]; nil for others.
  /// - Returns: [rows, size].
  public func callAsFunction(
    _ x: Tensor, shared: Tensor?, _ segments: Segments, _ pass: Pass
  ) -> Tensor {
    func given() -> Tensor {
      guard let shared else { preconditionFailure("attention with positions is given none") }
      return shared
    }
    var turned = x
    var relative: (keys: Tensor, u: Tensor, v: Tensor)?
    var biases: (distances: Tensor, gates: Tensor)?
    switch positions {
    case .none: break
    case .rotary: turned = x.rotated(by: given(), segments)
    case .relative(let key, let u, let v): relative = (key(given(), pass), u, v)
    case .learnt(let keys, let before, let after, let zero):
      let reach = max(0, segments.longest - 1)
      // Every head has the same: each row as often as there are heads.
      let rows = (-reach...reach).flatMap { distance in
        repeatElement(Int32(min(max(distance, -before), after) + before), count: heads)
      }
      relative = (
        keys.gatheringRows(rows).reshaped([rows.count / heads, heads * keys.columns]), zero, zero
      )
    case .gated(let projection, let constants):
      let heard = projection(
        x.reshaped([x.rows * heads, x.columns / heads]), result: .float32, pass)
      biases = (given(), heard.distanceGates(constants))
    }
    let mixed = query(turned, pass).attention(
      keys: key(turned, pass), values: value(x, pass), positions: relative, biases: biases,
      heads: heads, segments, dropout: dropout, pass)
    return output(mixed, pass)
  }
}
