import Basics
import CKernels
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Sizes that fill no block of the kernel, and utterances longer than one. Oracle: plain loops in float64.
@Suite struct AttentionKernelTests {
  static let precisions: [Precision] = ck_has_bfloat16() ? [.float32, .bfloat16] : [.float32]
  /// Queries go 48 at a time.
  static let segments = Segments(
    frames: [1, 101, 2, 48, 3, 0, 49], valid: [1, 97, 1, 48, 3, 0, 20])
  static let longest = 101

  enum Kind: CaseIterable { case plain, relative, gated }

  /// Queries, keys, values, and if asked for positions and both biases, or biases of the distances and gates.
  private func inputs(_ heads: Int, _ size: Int, _ kind: Kind) -> [Tensor] {
    let columns = heads * size
    let own = (1...3).map {
      Tensor.random(Self.segments.rows, columns, seed: UInt64($0), scale: 0.5)
    }
    return switch kind {
    case .plain: own
    case .relative:
      own + [
        .random(2 * Self.longest + 1, columns, seed: 4, scale: 0.5),
        .random(columns, seed: 5, scale: 0.5), .random(columns, seed: 6, scale: 0.5),
      ]
    case .gated:
      own + [
        .random(2 * Self.longest + 1, heads, seed: 4), .random(Self.segments.rows, heads, seed: 5),
      ]
    }
  }

  /// The result, then every gradient.
  private func run(
    _ inputs: [Tensor], _ gradient: Tensor, heads: Int, _ precision: Precision, dropout: Float = 0
  ) -> [[Float]] {
    for input in inputs { input.gradient = nil }
    let tape = Tape()
    let output = tape.recording {
      inputs[0].attention(
        keys: inputs[1], values: inputs[2],
        positions: inputs.count == 6 ? (inputs[3], inputs[4], inputs[5]) : nil,
        biases: inputs.count == 5 ? (inputs[3], inputs[4]) : nil, heads: heads,
        Self.segments, dropout: dropout, Pass(training: true, precision: precision, seed: 7))
    }
    tape.backward(from: output, gradient: gradient)
    return [output.values] + inputs.map { $0.gradient!.values }
  }

  @Test(
    arguments: [(1, 1), (2, 5), (3, 17), (1, 33), (2, 16)].flatMap { shape in
      Kind.allCases.map { (shape, $0) }
    }, precisions)
  func oddSizes(_ shape: ((Int, Int), Kind), _ precision: Precision) throws {
    let ((heads, size), kind) = shape
    try onEngine {
      let inputs = inputs(heads, size, kind)
      let gradient = Tensor.random(Self.segments.rows, heads * size, seed: 8)
      let expected = PlainAttention(inputs, gradient, heads: heads, Self.segments).results
      let found = run(inputs, gradient, heads: heads, precision)
      for (index, (ours, exact)) in zip(found, expected).enumerated() {
        let error = Golden.relativeError(ours, exact)
        #expect(
          error < (precision == .float32 ? 1e-5 : 0x1p-5), "result \(index) is off by \(error)")
      }
    }
  }

  /// An utterance's share is the same whoever computes it, and shares are added in their order.
  @Test(arguments: precisions, [Kind.relative, .gated])
  func threadsChangeNothing(_ precision: Precision, _ kind: Kind) throws {
    try onEngine {
      let threads = ck_threads()
      defer { ck_set_threads(threads) }
      let inputs = inputs(3, 17, kind)
      let gradient = Tensor.random(Self.segments.rows, 51, seed: 8)
      func bits(_ threads: Int32) -> [[UInt32]] {
        ck_set_threads(threads)
        return run(inputs, gradient, heads: 3, precision, dropout: 0.1).map {
          $0.map(\.bitPattern)
        }
      }
      let one = bits(1)
      #expect(one.joined().allSatisfy { Float(bitPattern: $0).isFinite })
      #expect(bits(3) == one)
    }
  }

  /// Where all values are nearly alike, scores hardly matter and their gradients are small differences of
  /// large numbers: rounded weights must not leave what the values share in them.
  @Test(.enabled(if: ck_has_bfloat16(), BFloat16Tests.lacking))
  func whatValuesShareMovesNoScore() throws {
    try onEngine {
      let inputs = inputs(2, 8, .relative)
      let shared = Tensor.random(16, seed: 9, scale: 64)
      for row in 0..<Self.segments.rows {
        for j in 0..<16 { inputs[2].pointer[row * 16 + j] += shared.pointer[j] }
      }
      // Exact in bfloat16, so that what is measured is the weights' rounding.
      for index in 0..<inputs[2].count {
        let pattern = inputs[2].pointer[index].bitPattern & 0xFFFF_0000
        inputs[2].pointer[index] = Float(bitPattern: pattern)
      }
      let gradient = Tensor(
        repeating: 0.5, shape: [Self.segments.rows, 16])
      let expected = PlainAttention(inputs, gradient, heads: 2, Self.segments).results
      let found = run(inputs, gradient, heads: 2, .bfloat16)
      for index in [1, 2, 4, 5, 6] {
        let error = Golden.relativeError(found[index], expected[index])
        #expect(error < 0.02, "result \(index) is off by \(error)")
      }
    }
  }
}

/// Attention as its formula says, forward and back, a head of an utterance at a time.
private struct PlainAttention {
  /// The result, then the gradient of every input.
  var results: [[Float]] { [output.map { Float($0) }] + gradients.map { $0.map { Float($0) } } }
  private var output: [Double]
  private var gradients: [[Double]]
  private let inputs: [[Double]]
  private let columns, heads: Int
  /// The row of distance 0, where biases of distances are gated.
  private let farthest: Int?

  init(_ tensors: [Tensor], _ gradient: Tensor, heads: Int, _ segments: Segments) {
    inputs = tensors.map { $0.values.map { Double($0) } }
    gradients = tensors.map { [Double](repeating: 0, count: $0.count) }
    output = [Double](repeating: 0, count: tensors[0].count)
    columns = tensors[0].columns
    self.heads = heads
    let above = gradient.values.map { Double($0) }
    let middle = tensors.count == 6 ? tensors[3].rows / 2 : nil
    farthest = tensors.count == 5 ? tensors[3].rows / 2 : nil
    for index in 0..<segments.count {
      let range = segments.range(index)
      let valid = segments.validRange(index).count
      for i in range {
        for head in 0..<heads {
          let part = head * columns / heads..<(head + 1) * columns / heads
          query(i, part, range, valid, middle, above)
        }
      }
    }
  }

  private mutating func query(
    _ i: Int, _ part: Range<Int>, _ range: Range<Int>, _ valid: Int, _ middle: Int?,
    _ above: [Double]
  ) {
    let scale = 1 / Double(part.count).squareRoot()
    let isValid = i - range.lowerBound < valid
    let keys = isValid ? range.prefix(valid) : range
    func position(_ j: Int) -> Int? { middle.map { ($0 - i + j) * columns } }
    let head = part.lowerBound / part.count
    func gated(_ j: Int) -> (bias: Int, gate: Int)? {
      farthest.map { (($0 - i + j) * heads + head, i * heads + head) }
    }
    var weights = keys.map { j -> Double in
      if !isValid { return 1 }
      let score = part.reduce(0.0) { sum, c in
        let q = inputs[0][i * columns + c]
        let content = (q + (middle == nil ? 0 : inputs[4][c])) * inputs[1][j * columns + c]
        return sum + content
          + (position(j).map { (q + inputs[5][c]) * inputs[3][$0 + c] } ?? 0)
      }
      return exp(
        scale * score + (gated(j).map { inputs[3][$0.bias] * inputs[4][$0.gate] } ?? 0))
    }
    let total = weights.reduce(0, +)
    for index in weights.indices { weights[index] /= total }
    var dweights = [Double](repeating: 0, count: weights.count)
    for (index, j) in keys.enumerated() {
      for c in part {
        let (d, value) = (above[i * columns + c], inputs[2][j * columns + c])
        output[i * columns + c] += weights[index] * value
        gradients[2][j * columns + c] += weights[index] * d
        dweights[index] += d * value
      }
    }
    guard isValid else { return }
    let mean = zip(weights, dweights).reduce(0) { $0 + $1.0 * $1.1 }
    for (index, j) in keys.enumerated() {
      let d = scale * weights[index] * (dweights[index] - mean)
      if let (bias, gate) = gated(j) {
        gradients[3][bias] += d / scale * inputs[4][gate]
        gradients[4][gate] += d / scale * inputs[3][bias]
      }
      for c in part {
        let (own, key) = (i * columns + c, j * columns + c)
        gradients[0][own] += d * inputs[1][key]
        gradients[1][key] += d * (inputs[0][own] + (middle == nil ? 0 : inputs[4][c]))
        guard let place = position(j).map({ $0 + c }) else { continue }
        gradients[0][own] += d * inputs[3][place]
        gradients[3][place] += d * (inputs[0][own] + inputs[5][c])
        gradients[4][c] += d * inputs[1][key]
        gradients[5][c] += d * inputs[3][place]
      }
    }
  }
}
