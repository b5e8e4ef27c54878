import Basics
import CKernels
import TensorEngine
import TestSupport
import Testing

/// Oracles: float32 on the same operands rounded first, and plain rounding by distance in float64.
@Suite struct BFloat16Tests {
  static let lacking: Comment = "this processor does not multiply bfloat16 in hardware"

  /// With terms that fill all but one place of a tile: of the weight's gradient 63 and 991, of the output 95.
  @Test(
    .enabled(if: ck_has_bfloat16(), lacking),
    arguments: [(33, 70, 21), (63, 176, 29), (991, 304, 176), (16, 95, 80)])
  func linear(_ sizes: (Int, Int, Int)) throws {
    try agree(sizes) { rows, inputs, outputs, seed in
      [.random(rows, inputs, seed: seed), .random(outputs, inputs, seed: seed + 1)]
    } by: {
      $0[0].linear($0[1], result: .float32, $1)
    }
  }

  @Test(.enabled(if: ck_has_bfloat16(), lacking)) func matmul() throws {
    try agree((9, 31, 17)) { m, k, n, seed in
      [.random(3, m, k, seed: seed), .random(3, k, n, seed: seed + 1)]
    } by: {
      $0[0].matmul($0[1], $1)
    }
  }

  /// The output and the input's gradient are held in bfloat16; those of weight and bias are not.
  @Test(.enabled(if: ck_has_bfloat16(), lacking), arguments: [1, 3])
  func convolution(_ groups: Int) throws {
    try agree((2, 6, 9), held: [0, 1]) { batch, channels, width, seed in
      [
        .random(batch, 7, width, channels, seed: seed),
        .random(12, channels / groups, 3, 3, seed: seed + 1), .random(12, seed: seed + 2),
      ]
    } by: {
      $0[0].convolution2D(
        $0[1], bias: $0[2], .init(stride: (2, 1), padding: (1, 1), groups: groups), $1)
    }
  }

  @Test(.enabled(if: ck_has_bfloat16(), lacking), arguments: [false, true])
  func attention(_ isRelative: Bool) throws {
    let segments = Segments(frames: [17, 1, 30], valid: [13, 1, 30])
    try onEngine {
      func run(_ precision: Precision) -> [[Float]] {
        let inputs = (1...3).map { Tensor.random(48, 32, seed: $0) }
        let positions: [Tensor] = [
          .random(59, 32, seed: 4), .random(32, seed: 5), .random(32, seed: 6),
        ]
        let tape = Tape()
        let output = tape.recording {
          inputs[0].attention(
            keys: inputs[1], values: inputs[2],
            positions: isRelative ? (positions[0], positions[1], positions[2]) : nil, heads: 4,
            segments, Pass(training: false, precision: precision))
        }
        // Padding's gradient is zero, as in a network.
        let gradient = Tensor.random(48, 32, seed: 7)
        for row in 13..<17 { for j in 0..<32 { gradient.pointer[row * 32 + j] = 0 } }
        tape.backward(from: output, gradient: gradient)
        return [output.values]
          + (isRelative ? inputs + positions : inputs).map { $0.gradient!.values }
      }
      for (index, (low, full)) in zip(run(.bfloat16), run(.float32)).enumerated() {
        let error = Golden.relativeError(low, full)
        #expect(error < 0x1p-6, "result \(index) is off by \(error)")
        #expect(error > 0, "result \(index) was not computed in bfloat16")
      }
    }
  }

  /// Forward and gradients: to float32's rounding with operands rounded first, to bfloat16's with plain.
  ///
  /// - Parameter held: which results are held in bfloat16, of the output and the inputs' gradients.
  private func agree(
    _ sizes: (Int, Int, Int), held: Set<Int> = [], _ make: (Int, Int, Int, UInt64) -> [Tensor],
    by body: ([Tensor], Pass) -> Tensor
  ) throws {
    try onEngine {
      func run(_ precision: Precision, rounds: Bool) -> [[Float]] {
        let inputs = make(sizes.0, sizes.1, sizes.2, 1)
        if rounds { inputs.forEach(round) }
        let tape = Tape()
        let output = tape.recording { body(inputs, Pass(training: false, precision: precision)) }
        let gradient = Tensor.random(output.count, seed: 9)
        if rounds { round(gradient) }
        tape.backward(from: output, gradient: gradient.view(output.shape))
        return [output.values] + inputs.map { $0.gradient!.values }
      }
      let low = run(.bfloat16, rounds: false)
      for (index, full) in run(.float32, rounds: true).enumerated() {
        let bound = held.contains(index) ? 0x1p-8 : 1e-5
        #expect(Golden.relativeError(low[index], full) < bound, "result \(index)")
      }
      for (index, full) in run(.float32, rounds: false).enumerated() {
        let error = Golden.relativeError(low[index], full)
        #expect(error < 0x1p-7 && error > 0, "result \(index) is off by \(error)")
      }
    }
  }

  private func round(_ tensor: Tensor) {
    for index in 0..<tensor.count {
      tensor.pointer[index] = Float(
        bitPattern: UInt32(Self.nearest(tensor.pointer[index])) << 16)
    }
  }

  /// bfloat16 by definition: the nearer neighbour, the even one at the same distance.
  private static func nearest(_ x: Float) -> UInt16 {
    let below = UInt16(x.bitPattern >> 16)
    if x.isInfinite || x.isNaN { return below }
    func size(_ pattern: UInt16) -> Double {
      // What follows the largest finite number counts as 2^128.
      pattern & 0x7FFF == 0x7F80
        ? 0x1p128 : Double(Float(bitPattern: UInt32(pattern & 0x7FFF) << 16))
    }
    let down = abs(Double(x)) - size(below)
    let up = size(below + 1) - abs(Double(x))
    return down < up || (down == up && below & 1 == 0) ? below : below + 1
  }

  /// Every sign, exponent and kept digit, with each kind of remainder.
  @Test func roundingIsExact() throws {
    let remainders: [UInt32] = [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF]
    let values = (0...UInt32(UInt16.max)).flatMap { high in
      remainders.map { Float(bitPattern: high << 16 | $0) }
    }
    var rounded = [UInt16](repeating: 0, count: values.count)
    try onEngine { ck_to_bfloat16(values, &rounded, values.count) }
    var wrong = 0
    for (value, pattern) in zip(values, rounded) {
      let isRight =
        value.isNaN
        ? pattern & 0x7FFF > 0x7F80 : pattern == Self.nearest(value)
      if !isRight { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  @Test func wideningIsExact() {
    let patterns = Array(0...UInt16.max)
    var wide = [Float](repeating: 0, count: patterns.count)
    ck_widen_bf16(&wide, patterns, patterns.count)
    #expect(zip(patterns, wide).allSatisfy { UInt32($0) << 16 == $1.bitPattern })
  }

  /// What is kept in bfloat16 follows a change of the values.
  @Test func keptOperandsAreForgotten() throws {
    try onEngine {
      let x = Tensor([1, 2], shape: [2])
      func first() -> UInt16 { x.operand(.bfloat16).load(as: UInt16.self) }
      #expect(first() == 0x3F80)
      x.pointer[0] = 2
      x.didChange()
      #expect(first() == 0x4000)
    }
  }

  @Test func options() throws {
    #expect(try Precision(option: "float32") == .float32)
    #expect(try Precision(option: "auto") == .automatic)
    #expect(throws: IdiolectError.self) { try Precision(option: "float16") }
    if ck_has_bfloat16() {
      #expect(try Precision(option: "bfloat16") == .bfloat16)
    } else {
      #expect(throws: IdiolectError.self) { try Precision(option: "bfloat16") }
    }
  }
}
