import Basics
import CKernels
import TensorEngine
import TestSupport
import Testing

/// More utterances than a group, of many lengths, in any number of threads and either precision.
@Suite struct RecurrenceTests {
  private let lengths = (0..<61).map { 1 + ($0 * 37) % 19 }

  /// Output and every gradient.
  private func run(_ precision: Precision, lengths: [Int], from first: Int = 0) throws -> [[Float]]
  {
    let source = ParameterSource(seed: 1)
    let layer = try LongShortTermMemory(
      "lstm", inputs: 9, hidden: 21, isBidirectional: true, from: source)
    #expect(
      source.parameters.map(\.name).contains("lstm.weight_hh_l0_reverse")
        && source.parameters.count == 8)
    for parameter in source.parameters { parameter.tensor.requiresGradient = true }
    let segments = Segments(frames: lengths)
    let x = Tensor(
      Array(Tensor.random(2000, 9, seed: 2).values[first * 9..<(first + segments.rows) * 9]),
      shape: [segments.rows, 9])
    x.requiresGradient = true
    let tape = Tape()
    let y = tape.recording {
      layer(x, segments, Pass(training: true, precision: precision))
    }
    let gradient = Tensor.random(2000, 42, seed: 3).values[
      first * 42..<(first + segments.rows) * 42]
    tape.backward(from: y, gradient: Tensor(Array(gradient), shape: y.shape))
    return [y.values, x.gradient!.values]
      + source.parameters.map { $0.tensor.gradient!.values }
  }

  @Test(arguments: ck_has_bfloat16() ? [Precision.float32, .bfloat16] : [.float32])
  func threadsAndCompanyChangeNothing(_ precision: Precision) throws {
    try onEngine {
      let threads = ck_threads()
      defer { ck_set_threads(threads) }
      ck_set_threads(1)
      let one = try run(precision, lengths: lengths)
      ck_set_threads(3)
      let three = try run(precision, lengths: lengths)
      for (a, b) in zip(three, one) {
        // Products of the inputs may be summed in another order; what follows them is not.
        let error = Golden.relativeError(a, b)
        #expect(error < (precision == .float32 ? 1e-5 : 0x1p-7))
      }
      // The eleventh utterance by itself.
      let first = lengths[..<10].reduce(0, +)
      let alone = try run(precision, lengths: [lengths[10]], from: first)
      let rows = first..<first + lengths[10]
      #expect(
        Golden.relativeError(alone[0], Array(one[0][rows.lowerBound * 42..<rows.upperBound * 42]))
          < 1e-6)
    }
  }

  @Test(.enabled(if: ck_has_bfloat16())) func bfloat16() throws {
    try onEngine {
      let low = try run(.bfloat16, lengths: lengths)
      for (index, full) in try run(.float32, lengths: lengths).enumerated() {
        let error = Golden.relativeError(low[index], full)
        #expect(error < 0x1p-6 && error > 0, "result \(index) is off by \(error)")
      }
    }
  }

  @Test func noUtterances() throws {
    let output = try onEngine { try run(.float32, lengths: [])[0] }
    #expect(output.isEmpty)
  }
}
