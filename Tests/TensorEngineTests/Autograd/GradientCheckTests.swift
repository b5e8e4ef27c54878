import TensorEngine
import Testing

/// Oracle: finite differences; see `GradientCheck`.
@Suite struct GradientCheckTests {
  let pass = Pass(training: false, precision: .float32)

  @Test(arguments: [1, -0.7, 0] as [Float]) func adding(_ scale: Float) throws {
    try GradientCheck.expect([.random(3, 5, seed: 1), .random(3, 5, seed: 2)]) {
      $0[0].adding($0[1], scaledBy: scale)
    }
  }

  @Test func arithmetic() throws {
    let a = Tensor.random(3, 5, seed: 1)
    let b = Tensor.random(3, 5, seed: 2)
    try GradientCheck.expect([a]) { $0[0].scaled(by: -1.3) }
    try GradientCheck.expect([a, b]) { $0[0].multiplied(by: $0[1]) }
    try GradientCheck.expect([a]) { $0[0].multiplied(by: $0[0]) }
    try GradientCheck.expect([a, Tensor([0.5, -2, 3], shape: [3])]) {
      $0[0].scaledColumns(by: $0[1])
    }
    try GradientCheck.expect([a]) { $0[0].sum() }
    try GradientCheck.expect([a]) { $0[0].mean() }
    try GradientCheck.expect([a]) {
      $0[0].reshaped([5, 3]).multiplied(by: $0[0].reshaped([5, 3]))
    }
    try GradientCheck.expect([.random(2, 3, 5, seed: 3)]) { $0[0].transposedLast() }
  }

  @Test(arguments: [Activation.relu, .silu, .gelu, .geluTanh, .sigmoid, .tanh, .clippedReLU])
  func activation(_ function: Activation) throws {
    let x = Tensor.random(5, 9, seed: 4, scale: 2)
    // Beyond the reach of the differences from relu's corner.
    for index in 0..<x.count where abs(x.pointer[index]) < 0.05 { x.pointer[index] += 0.2 }
    try GradientCheck.expect([x]) { $0[0].activated(function) }
  }

  @Test func gatedLinearUnit() throws {
    try GradientCheck.expect([.random(4, 10, seed: 5)]) { $0[0].gatedLinearUnit() }
  }

  @Test func dropout() throws {
    try GradientCheck.expect([.random(6, 7, seed: 6)]) {
      $0[0].dropout(0.4, Pass(training: true, precision: .float32, seed: 8))
    }
  }

  @Test(arguments: [true, false]) func linear(_ hasBias: Bool) throws {
    let bias: [Tensor] = hasBias ? [.random(3, seed: 3)] : []
    try GradientCheck.expect([.random(5, 7, seed: 1), .random(3, 7, seed: 2)] + bias) {
      $0[0].linear($0[1], bias: hasBias ? $0[2] : nil, pass)
    }
  }

  /// Each gradient accumulates onto one that is there already.
  @Test func sharedOperands() throws {
    try GradientCheck.expect([.random(5, 3, seed: 1), .random(3, 3, seed: 2), .random(3, seed: 3)])
    {
      let once = $0[0].linear($0[1], bias: $0[2], pass)
      return once.linear($0[1], bias: $0[2], pass).adding($0[0].linear($0[1], bias: $0[2], pass))
    }
    try GradientCheck.expect([.random(2, 3, 3, seed: 4)]) { $0[0].matmul($0[0], pass) }
  }

  @Test func matmul() throws {
    try GradientCheck.expect([.random(2, 5, 3, seed: 1), .random(2, 3, 4, seed: 2)]) {
      $0[0].matmul($0[1], pass)
    }
    try GradientCheck.expect([.random(1, 1, 3, seed: 1), .random(1, 3, 1, seed: 2)]) {
      $0[0].matmul($0[1], pass)
    }
  }

  @Test func layerNorm() throws {
    try GradientCheck.expect([.random(4, 9, seed: 1), .random(9, seed: 2), .random(9, seed: 3)]) {
      $0[0].layerNorm(gain: $0[1], bias: $0[2])
    }
  }

  @Test func batchNormFrozen() throws {
    let mean = Tensor.random(5, seed: 4)
    let variance = Tensor([0.5, 1, 1.5, 2, 0.2], shape: [5])
    try GradientCheck.expect([.random(6, 5, seed: 1), .random(5, seed: 2), .random(5, seed: 3)]) {
      $0[0].batchNorm(gain: $0[1], bias: $0[2], mean: mean, variance: variance, epsilon: 1e-5)
    }
  }

  @Test(arguments: [nil, [1, 1, 0, 1, 1, 1, 0, 0]] as [[UInt8]?])
  func batchNormLive(_ use: [UInt8]?) throws {
    try GradientCheck.expect([.random(8, 5, seed: 1), .random(5, seed: 2), .random(5, seed: 3)]) {
      $0[0].batchNormLive(gain: $0[1], bias: $0[2], epsilon: 1e-5, use: use).result
    }
  }

  @Test(arguments: [false, true]) func softmax(_ logarithm: Bool) throws {
    try GradientCheck.expect([.random(4, 7, seed: 1, scale: 2)]) {
      $0[0].softmax(logarithm: logarithm)
    }
  }

  @Test func gatheringRows() throws {
    try GradientCheck.expect([.random(5, 3, seed: 1)]) { $0[0].gatheringRows([4, 0, 4, 2, 4]) }
  }
}
