import CKernels

/// Attention over packed utterances, plain, with relative positions or with gated biases of the distance.
extension Tensor {
  /// softmax(scale · (q + u) · kᵀ + scale · shift((q + v) · pᵀ)) · values, by head, in the pass's precision.
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
  ///   - biases: added to the scores: of the distances L − 1 … −(L − 1), [2L − 1, heads], times how much they
  ///     count for a query, [rows, heads]; not together with positions.
  ///   - dropout: the rate for attention weights.
  package func attention(
    keys: Tensor, values: Tensor, positions: (keys: Tensor, u: Tensor, v: Tensor)? = nil,
    biases: (distances: Tensor, gates: Tensor)? = nil, heads: Int, _ segments: Segments,
    dropout: Float = 0, _ pass: Pass
  ) -> Tensor {
    precondition(
      shape == keys.shape && shape == values.shape && rows == segments.rows && columns % heads == 0,
      "attention over queries \(shape), keys \(keys.shape), values \(values.shape)")
    let longest = segments.longest
    if let positions {
      precondition(
        positions.keys.columns == columns && positions.keys.rows >= 2 * longest - 1
          && positions.keys.rows % 2 == 1 && positions.u.count == columns
          && positions.v.count == columns,
        "positions \(positions.keys.shape) for \(longest) frames of \(columns)")
    }
    if let biases {
      precondition(
        positions == nil && biases.distances.columns == heads && biases.distances.rows % 2 == 1
          && biases.distances.rows >= 2 * longest - 1 && biases.gates.shape == [rows, heads],
        "biases \(biases.distances.shape) and gates \(biases.gates.shape) for \(longest) frames")
    }
    var inputs = [self, keys, values]
    if let positions { inputs += [positions.keys, positions.u, positions.v] }
    if let biases { inputs += [biases.distances, biases.gates] }
    let call = AttentionCall(
      queries: kept(pass.precision), keys: keys.kept(pass.precision),
      values: values.kept(pass.precision),
      positions: positions.map { ($0.keys.kept(pass.precision), $0.u, $0.v) }, biases: biases,
      heads: heads, segments: segments, precision: pass.precision,
      dropout: pass.training ? dropout : 0,
      seed: pass.training && dropout > 0 ? pass.nextSeed() : 0)
    let isRecorded = Tape.current != nil && inputs.contains(where: \.requiresGradient)
    let (result, weights) = call.forward(keepingWeights: isRecorded)
    guard let weights else { return result }
    let slots = inputs.map(\.slot)
    return result.from("attention", inputs) { call.backward($0, weights: weights, to: slots) }
  }
}

/// The operands of one attention, in one precision, and how it is done.
private struct AttentionCall {
  let queries, keys, values: Tensor
  let positions: (keys: Tensor, u: Tensor, v: Tensor)?
  let biases: (distances: Tensor, gates: Tensor)?
  let heads: Int
  let segments: Segments
  let precision: Precision
  let dropout: Float
  let seed: UInt64

  /// The result, [rows, heads · size], and the weights before dropout that the way back needs.
  func forward(keepingWeights: Bool) -> (result: Tensor, weights: Tensor?) {
    let result = Tensor(uninitialised: queries.shape, precision)
    let weights = withKernel { kernel in
      let weights =
        keepingWeights ? Tensor(uninitialised: [ck_attention_kept(&kernel)], precision) : nil
      ck_attention_forward(
        &kernel, weights?.held.pointer, result.held.pointer, result.held.type)
      return weights
    }
    return (result, weights)
  }

  /// Adds the gradients of queries, keys, values, and if there are any, positions, u and v, or distances and
  /// gates to `slots`.
  func backward(_ gradient: Tensor, weights: Tensor, to slots: [GradientSlot]) {
    // Where a slot sums in float32 its share is no coarser.
    let coarse = slots[0..<3].allSatisfy { $0.precision == .bfloat16 }
    let shares = (0..<3).map { _ in
      Tensor(uninitialised: queries.shape, coarse ? .bfloat16 : .float32)
    }
    let columns = queries.columns
    let distances = (0..<segments.count).reduce(0) { $0 + max(0, 2 * segments.range($1).count - 1) }
    let relative = positions.map { positions in
      (
        keys: Tensor(uninitialised: positions.keys.shape),
        u: Tensor(uninitialised: positions.u.shape), v: Tensor(uninitialised: positions.v.shape),
        keyShares: Tensor(uninitialised: [distances * columns]),
        biasShares: Tensor(uninitialised: [segments.count * 2 * columns])
      )
    }
    var targets = ck_attention_gradients()
    targets.type = shares[0].held.type
    targets.queries = shares[0].held.pointer
    targets.keys = shares[1].held.pointer
    targets.values = shares[2].held.pointer
    if let relative {
      targets.positions = relative.keys.pointer
      targets.u = relative.u.pointer
      targets.v = relative.v.pointer
      targets.position_shares = relative.keyShares.pointer
      targets.bias_shares = relative.biasShares.pointer
    }
    let gated = biases.map { biases in
      (
        distances: Tensor(uninitialised: biases.distances.shape),
        gates: Tensor(uninitialised: biases.gates.shape),
        shares: Tensor(uninitialised: [distances * heads])
      )
    }
    if let gated {
      targets.distances = gated.distances.pointer
      targets.gates = gated.gates.pointer
      targets.distance_shares = gated.shares.pointer
    }
    let given = gradient.kept(precision)
    withKernel { kernel in
      ck_attention_backward(&kernel, weights.held.pointer, given.held.pointer, &targets)
    }
    for (slot, share) in zip(slots, shares) { slot.accumulate(share) }
    let others =
      relative.map { [$0.keys, $0.u, $0.v] } ?? gated.map { [$0.distances, $0.gates] } ?? []
    for (slot, share) in zip(slots[3...], others) { slot.accumulate(share) }
  }

  private func withKernel<Result>(_ body: (inout ck_attention) -> Result) -> Result {
    segments.withKernel { segments in
      let size = queries.columns / heads
      var kernel = ck_attention()
      kernel.type = precision.type
      kernel.heads = heads
      kernel.size = size
      kernel.queries = UnsafeRawPointer(queries.held.pointer)
      kernel.keys = UnsafeRawPointer(keys.held.pointer)
      kernel.values = UnsafeRawPointer(values.held.pointer)
      kernel.row = queries.columns
      if let positions {
        kernel.positions = UnsafeRawPointer(positions.keys.held.pointer)
        kernel.position_rows = positions.keys.rows
        kernel.position_row = positions.keys.columns
        kernel.u = UnsafePointer(positions.u.pointer)
        kernel.v = UnsafePointer(positions.v.pointer)
      }
      if let biases {
        kernel.position_rows = biases.distances.rows
        kernel.distances = UnsafePointer(biases.distances.pointer)
        kernel.gates = UnsafePointer(biases.gates.pointer)
      }
      kernel.scale = 1 / Float(size).squareRoot()
      kernel.dropout = dropout
      kernel.seed = seed
      kernel.segments = segments
      return body(&kernel)
    }
  }
}
