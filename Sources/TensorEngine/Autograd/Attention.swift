import CKernels

/// Attention over packed utterances, plain or with relative positions.
///
/// Each utterance attends to its own frames: products run over its exact length, all heads at once,
/// straight from the packed rows.
extension Tensor {
  /// softmax(scale · (q + u) · kᵀ + scale · shift((q + v) · pᵀ)) · values, by head.
  ///
  /// Dai et al. 2019, section 3.3. Without `positions` it is scaled dot-product attention (Vaswani et
  /// al. 2017). Queries that are not valid attend to all frames equally, as in transformers.
  ///
  /// - Parameters:
  ///   - self: queries, [rows, heads · size].
  ///   - keys: [rows, heads · size].
  ///   - values: [rows, heads · size].
  ///   - positions: keys of the distances L − 1 … −(L − 1), [2L − 1, heads · size], where L is at least
  ///     the longest utterance; with the two biases u and v, [heads · size] each.
  ///   - dropout: the rate for attention weights.
  package func attention(
    keys: Tensor, values: Tensor, positions: (keys: Tensor, u: Tensor, v: Tensor)? = nil,
    heads: Int, _ segments: Segments, dropout: Float = 0, _ pass: Pass
  ) -> Tensor {
    precondition(
      shape == keys.shape && shape == values.shape && rows == segments.rows && columns % heads == 0,
      "attention over queries \(shape), keys \(keys.shape), values \(values.shape)")
    if let positions {
      let longest = (0..<segments.count).map { segments.range($0).count }.max() ?? 0
      precondition(
        positions.keys.columns == columns && positions.keys.rows >= 2 * longest - 1
          && positions.keys.rows % 2 == 1 && positions.u.count == columns
          && positions.v.count == columns,
        "positions \(positions.keys.shape) for \(longest) frames of \(columns)")
    }
    let call = AttentionCall(
      queries: self, keys: keys, values: values, positions: positions, heads: heads,
      segments: segments, pass: pass, dropout: pass.training ? dropout : 0)
    let result = Tensor(uninitialised: shape)
    for index in 0..<segments.count { call.forward(index, into: result) }
    var inputs = [self, keys, values]
    if let positions { inputs += [positions.keys, positions.u, positions.v] }
    return result.from("attention", inputs) { call.backward($0) }
  }
}

private final class AttentionCall {
  let queries, keys, values: Tensor
  let positions: (keys: Tensor, u: Tensor, v: Tensor)?
  let heads, width, size: Int
  let segments: Segments
  let precision: Precision
  let dropout: Float
  let seed: UInt64
  let scale: Float
  /// (q + u) and (q + v) as operands, [rows, width].
  let withU, withV: Storage?
  /// Attention weights of each utterance, [heads, frames, frames], before dropout.
  var weights: [Tensor]

  init(
    queries: Tensor, keys: Tensor, values: Tensor,
    positions: (keys: Tensor, u: Tensor, v: Tensor)?, heads: Int, segments: Segments, pass: Pass,
    dropout: Float
  ) {
    self.queries = queries
    self.keys = keys
    self.values = values
    self.positions = positions
    self.heads = heads
    self.segments = segments
    self.dropout = dropout
    width = queries.columns
    size = width / heads
    precision = pass.precision
    seed = dropout > 0 ? pass.nextSeed() : 0
    scale = 1 / Float(size).squareRoot()
    weights = []
    withU = positions.map { AttentionCall.sum(queries, $0.u, pass.precision) }
    withV = positions.map { AttentionCall.sum(queries, $0.v, pass.precision) }
  }

  private static func sum(_ queries: Tensor, _ bias: Tensor, _ precision: Precision) -> Storage {
    let made = Storage(byteCount: queries.count * precision.byteCount)
    if precision == .bfloat16 {
      ck_add_row_bfloat16(
        queries.pointer, bias.pointer, made.pointer.assumingMemoryBound(to: UInt16.self),
        queries.rows, queries.columns)
    } else {
      ck_add_row(
        queries.pointer, bias.pointer, made.pointer.assumingMemoryBound(to: Float.self),
        queries.rows, queries.columns)
    }
    return made
  }

  /// Where an utterance's rows begin in an operand of [rows, width].
  private func at(_ row: Int, _ operand: UnsafeRawPointer) -> UnsafeRawPointer {
    operand + row * width * precision.byteCount
  }

  /// Products over all heads of one utterance: rows of the packed layout have stride `width`, heads `size`.
  private var packed: (Int, Int, Int) { (size, width, 1) }
  private var packedTransposed: (Int, Int, Int) { (size, 1, width) }

  func forward(_ index: Int, into result: Tensor) {
    let range = segments.range(index)
    let (first, frames, valid) = (range.lowerBound, range.count, Int(segments.valid[index]))
    if frames == 0 {
      weights.append(Tensor(uninitialised: [heads, 0, 0]))
      return
    }
    let content = Tensor(uninitialised: [heads, frames, frames])
    multiply(
      .batched(
        heads, m: frames, n: frames, k: size, a: packed, b: packedTransposed,
        c: (frames * frames, frames), precision: precision),
      at(first, withU.map { UnsafeRawPointer($0.pointer) } ?? queries.operand(precision)),
      at(first, keys.operand(precision)), into: content.pointer)
    var position: Tensor?
    if let positions, let withV {
      let distances = 2 * frames - 1
      let made = Tensor(uninitialised: [heads, frames, distances])
      multiply(
        .batched(
          heads, m: frames, n: distances, k: size, a: packed, b: packedTransposed,
          c: (frames * distances, distances), precision: precision),
        at(first, withV.pointer),
        at(positionRow(frames), positions.keys.operand(precision)), into: made.pointer)
      position = made
    }
    let weights = Tensor(uninitialised: content.shape)
    ck_attention_weights(
      content.pointer, position?.pointer, scale, weights.pointer, heads, frames, valid)
    self.weights.append(weights)
    // Named, so that it outlives the pointer taken from it.
    let mixing = dropped(weights, index)
    multiply(
      .batched(
        heads, m: frames, n: size, k: frames, a: (frames * frames, frames, 1), b: packed,
        c: (size, width), precision: precision),
      mixing.operand(precision), at(first, values.operand(precision)),
      into: result.pointer + first * width)
    withExtendedLifetime(mixing) {}
  }

  /// The row of `positions.keys` that holds the farthest distance of an utterance of `frames`.
  private func positionRow(_ frames: Int) -> Int {
    (positions!.keys.rows + 1) / 2 - frames
  }

  /// `x` through the dropout of utterance `index`; the same draw each time.
  private func dropped(_ x: Tensor, _ index: Int) -> Tensor {
    guard dropout > 0 else { return x }
    let result = Tensor(uninitialised: x.shape)
    ck_dropout(x.pointer, result.pointer, x.count, dropout, seed &+ UInt64(index) &* 0x9E37_79B9)
    return result
  }

  func backward(_ gradient: Tensor) {
    let dqueries = Tensor(uninitialised: queries.shape)
    let dkeys = Tensor(uninitialised: keys.shape)
    let dvalues = Tensor(uninitialised: values.shape)
    let dcontentQueries = positions == nil ? nil : Tensor(uninitialised: queries.shape)
    let dpositions = positions.map { Tensor(repeating: 0, shape: $0.keys.shape) }
    for index in 0..<segments.count where !segments.range(index).isEmpty {
      backward(
        index, gradient, dqueries: dqueries, dcontentQueries: dcontentQueries, dkeys: dkeys,
        dvalues: dvalues, dpositions: dpositions)
    }
    weights = []
    if let positions, let dpositions, let dcontentQueries {
      // dqueries holds the share through the positions until both are summed.
      for (bias, share) in [(positions.u, dcontentQueries), (positions.v, dqueries)] {
        bias.accumulate { memory, adding in
          ck_column_sum(share.pointer, CK_FLOAT32, memory, queries.rows, width, adding)
        }
      }
      ck_add_scaled(
        dqueries.pointer, dcontentQueries.pointer, 1, dqueries.pointer, dqueries.count)
      positions.keys.accumulate(dpositions)
    }
    queries.accumulate(dqueries)
    keys.accumulate(dkeys)
    values.accumulate(dvalues)
  }

  private func backward(
    _ index: Int, _ gradient: Tensor, dqueries: Tensor, dcontentQueries: Tensor?, dkeys: Tensor,
    dvalues: Tensor, dpositions: Tensor?
  ) {
    let range = segments.range(index)
    let (first, frames, valid) = (range.lowerBound, range.count, Int(segments.valid[index]))
    let square = (frames * frames, frames, 1)
    let squareTransposed = (frames * frames, 1, frames)
    let weights = weights[index]
    let dresult = at(first, gradient.operand(precision))
    let mixing = dropped(weights, index)
    multiply(
      .batched(
        heads, m: frames, n: size, k: frames, a: squareTransposed, b: packed, c: (size, width),
        precision: precision),
      mixing.operand(precision), dresult, into: dvalues.pointer + first * width)
    withExtendedLifetime(mixing) {}
    let straight = Tensor(uninitialised: weights.shape)
    multiply(
      .batched(
        heads, m: frames, n: frames, k: size, a: packed, b: packedTransposed,
        c: (frames * frames, frames), precision: precision),
      dresult, at(first, values.operand(precision)), into: straight.pointer)
    let dweights = dropped(straight, index)
    let dcontent = Storage(byteCount: weights.count * precision.byteCount)
    let distances = 2 * frames - 1
    let dposition =
      positions == nil
      ? nil : Storage(byteCount: heads * frames * distances * precision.byteCount)
    ck_attention_weights_backward(
      weights.pointer, dweights.pointer, scale, precision.type, dcontent.pointer,
      dposition?.pointer, heads, frames, valid)
    multiply(
      .batched(
        heads, m: frames, n: size, k: frames, a: square, b: packed, c: (size, width),
        precision: precision),
      dcontent.pointer, at(first, keys.operand(precision)),
      into: (dcontentQueries ?? dqueries).pointer + first * width)
    multiply(
      .batched(
        heads, m: frames, n: size, k: frames, a: squareTransposed, b: packed, c: (size, width),
        precision: precision),
      dcontent.pointer,
      at(first, withU.map { UnsafeRawPointer($0.pointer) } ?? queries.operand(precision)),
      into: dkeys.pointer + first * width)
    guard let positions, let dposition, let dpositions, let withV else { return }
    let row = positionRow(frames)
    multiply(
      .batched(
        heads, m: frames, n: size, k: distances, a: (frames * distances, distances, 1), b: packed,
        c: (size, width), precision: precision),
      dposition.pointer, at(row, positions.keys.operand(precision)),
      into: dqueries.pointer + first * width)
    multiply(
      .batched(
        heads, m: distances, n: size, k: frames, a: (frames * distances, 1, distances), b: packed,
        c: (size, width), precision: precision, accumulate: true),
      dposition.pointer, at(first, withV.pointer), into: dpositions.pointer + row * width)
  }
}
