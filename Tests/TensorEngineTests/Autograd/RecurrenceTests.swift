import Basics
import CKernels
import TensorEngine
import TestSupport
import Testing

/// More utterances than a group, of many lengths, in any number of threads and either precision.
@Suite struct RecurrenceTests {
  /// 61 are more than a group holds; 20 are one group for one thread, and two for three.
  private static let counts = [20, 61]
  private static let precisions: [Precision] =
    ck_has_bfloat16() ? [.float32, .bfloat16] : [.float32]

  private func lengths(_ count: Int) -> [Int] { (0..<count).map { 1 + ($0 * 37) % 19 } }

  /// What each utterance begins with, by its place among all.
  private func state(_ seed: UInt64, _ utterances: Range<Int>) -> Tensor {
    let all = Tensor.random(2, 61, 21, seed: seed).values
    var values: [Float] = []
    for direction in 0..<2 {
      let start = (direction * 61 + utterances.lowerBound) * 21
      values += all[start..<start + utterances.count * 21]
    }
    let tensor = Tensor(values, shape: [2, utterances.count, 21])
    tensor.requiresGradient = true
    return tensor
  }

  /// Output and every gradient.
  ///
  /// - Parameter place: the row and the utterance, among all, at which these begin.
  private func run(
    _ precision: Precision, lengths: [Int], from place: (row: Int, utterance: Int) = (0, 0)
  ) throws -> [[Float]] {
    let first = place.row
    let utterances = place.utterance..<place.utterance + lengths.count
    let initial = LongShortTermMemoryState(
      hidden: state(4, utterances), cells: state(5, utterances))
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
      layer(x, segments, from: initial, Pass(training: true, precision: precision))
    }
    let gradient = Tensor.random(2000, 42, seed: 3).values[
      first * 42..<(first + segments.rows) * 42]
    tape.backward(from: y, gradient: Tensor(Array(gradient), shape: y.shape))
    return [y, x.gradient!, initial.hidden.gradient!, initial.cells.gradient!].map(\.values)
      + source.parameters.map { $0.tensor.gradient!.values }
  }

  @Test(arguments: precisions, counts)
  func threadsAndCompanyChangeNothing(_ precision: Precision, _ count: Int) throws {
    let lengths = lengths(count)
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
      let alone = try run(precision, lengths: [lengths[10]], from: (first, 10))
      let rows = first..<first + lengths[10]
      #expect(
        Golden.relativeError(alone[0], Array(one[0][rows.lowerBound * 42..<rows.upperBound * 42]))
          < 1e-6)
      for result in 2...3 {
        var expected: [Float] = []
        for direction in 0..<2 {
          let start = (direction * count + 10) * 21
          expected += one[result][start..<start + 21]
        }
        let bound = precision == .float32 ? 1e-6 : 0x1p-7
        #expect(Golden.relativeError(alone[result], expected) < bound)
      }
    }
  }

  /// The recurrence alone sums in one order, whatever products before and after it do.
  @Test(arguments: precisions, counts)
  func threadsChangeNoBitOfTheKernel(_ precision: Precision, _ count: Int) throws {
    try onEngine {
      let threads = ck_threads()
      defer { ck_set_threads(threads) }
      ck_set_threads(1)
      let one = kernel(precision, Segments(frames: lengths(count)))
      ck_set_threads(3)
      #expect(kernel(precision, Segments(frames: lengths(count))) == one)
      #expect(one.joined().contains { $0 != 0 })
    }
  }

  /// The bits of everything that the kernel writes.
  private func kernel(_ precision: Precision, _ segments: Segments) -> [[UInt32]] {
    let (rows, count, hidden) = (segments.rows, segments.count, 21)
    let recurrent = (0..<2).map { Tensor.random(4 * hidden, hidden, seed: 10 + $0, scale: 0.2) }
    let gates = (0..<2).map { Tensor.random(rows, 4 * hidden, seed: 12 + $0) }
    let cells = (0..<2).map { _ in Tensor(uninitialised: [rows, hidden]) }
    let shares = (0..<2).map { _ in Tensor(uninitialised: [rows, 4 * hidden], precision) }
    let result = Tensor(uninitialised: [rows, 2 * hidden], precision)
    let initial = [state(4, 0..<count), state(5, 0..<count)]
    let starts = initial.map { Tensor(uninitialised: $0.shape) }
    let gradient = Tensor.random(rows, 2 * hidden, seed: 14)
    segments.withKernel { segments in
      var call = ck_lstm()
      call.type = precision.type
      (call.hidden, call.directions, call.segments) = (hidden, 2, segments)
      call.recurrent = (UnsafePointer(recurrent[0].pointer), UnsafePointer(recurrent[1].pointer))
      call.initial_hidden = UnsafePointer(initial[0].pointer)
      call.initial_cells = UnsafePointer(initial[1].pointer)
      ck_lstm_forward(
        &call, gates.map { $0.pointer }, cells.map { $0.pointer }, result.held.pointer)
      ck_lstm_backward(
        &call, gates.map { UnsafePointer($0.pointer) }, cells.map { UnsafePointer($0.pointer) },
        gradient.pointer, CK_FLOAT32, shares.map { $0.held.pointer }, starts[0].pointer,
        starts[1].pointer)
    }
    return ([result] + gates + cells + shares + starts).map { $0.values.map(\.bitPattern) }
  }

  @Test(.enabled(if: ck_has_bfloat16())) func bfloat16() throws {
    try onEngine {
      let low = try run(.bfloat16, lengths: lengths(61))
      for (index, full) in try run(.float32, lengths: lengths(61)).enumerated() {
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
