import Basics
import TensorEngine
import TestSupport
import Testing

/// Layers around the operations: names, sizes, where values come from, low-rank updates.
@Suite struct LayerTests {
  let pass = Pass(training: false, precision: .float32)

  @Test func embedding() throws {
    let golden = try OperationCase("embedding")
    try onEngine {
      let layer = try Embedding(
        "words", symbols: 6, size: 5,
        from: ParameterSource { _, _ in try golden.file.readFloats("weight") })
      layer.weight.requiresGradient = true
      let indices = try golden.file.readFloats("indices").map { Int32($0) }
      let tape = Tape()
      let output = tape.recording { layer(indices) }
      try golden.expect(output, "output", 0)
      tape.backward(from: output, gradient: try golden.tensor("grad_output").view(output.shape))
      try golden.expect(layer.weight.gradient!, "grad_weight", 1e-6)
    }
  }

  @Test func lowRankUpdateBeginsAsNothingAndFolds() throws {
    try onEngine {
      let source = ParameterSource(seed: 1)
      let layer = try Linear("layer", inputs: 9, outputs: 7, from: source)
      layer.weight.requiresGradient = false
      let x = Tensor.random(5, 9, seed: 2)
      let plain = layer(x, pass).values
      let update = try LowRankUpdate(
        "layer", inputs: 9, outputs: 7, rank: 3, alpha: 6, from: source)
      #expect(update.scale == 2)
      layer.addLowRank(update)
      #expect(layer(x, pass).values == plain)

      for index in 0..<update.b.count { update.b.pointer[index] = Float(index % 5) * 0.1 - 0.2 }
      let changed = layer(x, pass).values
      #expect(Golden.relativeError(changed, plain) > 0.01)
      // W x + scale · B (A x), in float64.
      let expected = (0..<35).map { index -> Float in
        let (row, out) = (index / 7, index % 7)
        let thin = (0..<3).map { rank in
          (0..<9).reduce(0.0) {
            $0 + Double(update.a.pointer[rank * 9 + $1]) * Double(x.pointer[row * 9 + $1])
          }
        }
        return plain[index]
          + Float(
            2 * (0..<3).reduce(0.0) { $0 + Double(update.b.pointer[out * 3 + $1]) * thin[$1] })
      }
      #expect(Golden.relativeError(changed, expected) < 1e-6)

      layer.foldUpdates()
      #expect(layer.lowRank == nil)
      #expect(Golden.relativeError(layer(x, pass).values, changed) < 1e-6)
    }
  }

  @Test func lowRankUpdateLearnsBesideAFrozenWeight() throws {
    let source = ParameterSource(seed: 4)
    let layer = try onEngine {
      let layer = try Linear("layer", inputs: 6, outputs: 5, from: source)
      layer.addLowRank(
        try LowRankUpdate("layer", inputs: 6, outputs: 5, rank: 2, alpha: 3, from: source))
      return layer
    }
    let update = try #require(layer.lowRank)
    for index in 0..<update.b.count { update.b.pointer[index] = Float(index % 3) * 0.3 - 0.2 }
    for factor in [update.a, update.b] { factor.requiresGradient = true }
    try GradientCheck.expect([.random(4, 6, seed: 1), update.a, update.b]) { layer($0[0], pass) }
    #expect(layer.weight.gradient == nil)
  }

  @Test func sourcesAreDeterminedByTheirSeed() throws {
    try onEngine {
      func parameters(_ seed: UInt64) throws -> [[Float]] {
        let source = ParameterSource(seed: seed)
        _ = try MultiHeadAttention(
          "a", size: 8, heads: 2, positions: .relative, from: source)
        _ = try Convolution1D("c", inputs: 4, outputs: 6, kernel: 3, groups: 2, from: source)
        return source.parameters.map(\.tensor.values)
      }
      let (first, again, other) = (try parameters(1), try parameters(1), try parameters(2))
      #expect(first == again)
      #expect(first != other)
      let source = ParameterSource(seed: 1)
      _ = try Linear("wide", inputs: 400, outputs: 30, trailing: [1, 1], from: source)
      #expect(source.parameters.map(\.name) == ["wide.weight", "wide.bias"])
      #expect(source.parameters[0].tensor.shape == [30, 400, 1, 1])
      // PyTorch's default: uniform in ±1/√inputs.
      let values = source.parameters[0].tensor.values
      #expect(values.allSatisfy { abs($0) <= 0.05 })
      #expect(values.max()! > 0.0499 && values.min()! < -0.0499)
    }
  }

  @Test func wrongNumberOfValuesIsAnError() throws {
    try onEngine {
      let source = ParameterSource { _, _ in [1, 2, 3] }
      #expect(throws: IdiolectError.self) {
        try Linear("layer", inputs: 2, outputs: 2, from: source)
      }
    }
  }

  /// Nothing in, nothing out, and gradients of zero: no operation trips over no rows.
  @Test func noRows() throws {
    try onEngine {
      let source = ParameterSource(seed: 1)
      let linear = try Linear("linear", inputs: 6, outputs: 6, from: source)
      let norm = try LayerNorm("norm", size: 6, from: source)
      let depthwise = try DepthwiseConvolution("depthwise", channels: 6, kernel: 3, from: source)
      let attention = try MultiHeadAttention(
        "attention", size: 6, heads: 2, positions: .relative, from: source)
      for parameter in source.parameters { parameter.tensor.requiresGradient = true }
      let x = Tensor([], shape: [0, 6])
      x.requiresGradient = true
      let empty = Segments(frames: [0])
      let tape = Tape()
      let y = tape.recording {
        let mixed = attention(norm(linear(x, pass)), shared: .random(3, 6, seed: 1), empty, pass)
        return depthwise(mixed, empty).activated(.gelu).softmax().dropout(0.5, pass).sum()
      }
      tape.backward(from: y)
      #expect(y.scalar == 0 && x.gradient?.shape == [0, 6])
      for parameter in source.parameters {
        #expect(
          parameter.tensor.gradient?.values.allSatisfy { $0 == 0 } == true, "\(parameter.name)")
      }
    }
  }
}
