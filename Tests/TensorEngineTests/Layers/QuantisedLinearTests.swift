import Basics
import CKernels
import TensorEngine
import TestSupport
import Testing

/// Linear layers in 8 bits, beside the same arithmetic done one number at a time.
@Suite(.enabled(if: ck_has_int8())) struct QuantisedLinearTests {
  private func random(_ count: Int, _ seed: UInt64) -> [Float] {
    var source = SeededRandom(seed: seed)
    return (0..<count).map { _ in source.uniform(-2...2) }
  }

  /// Rounded by the largest of the row: whole numbers and what one is worth.
  private func steps(_ row: some Collection<Float>) -> (whole: [Double], worth: Double) {
    let worth = Double(row.map(abs).max() ?? 0) / 127
    return (row.map { worth > 0 ? (Double($0) / worth).rounded(.toNearestOrEven) : 0 }, worth)
  }

  @Test(
    arguments: [
      (1, 1, 1), (3, 5, 7), (130, 64, 48), (257, 200, 33), (8, 125, 40), (35, 126, 39),
      (9, 127, 38),
    ], [true, false])
  func asByHand(_ sizes: (Int, Int, Int), _ hasBias: Bool) throws {
    let (rows, inputs, outputs) = sizes
    let x = random(rows * inputs, 1)
    var weight = random(outputs * inputs, 2)
    // A row of zeros.
    for index in 0..<inputs { weight[index] = 0 }
    let bias = random(outputs, 3)
    let read = (0..<rows).map { steps(x[$0 * inputs..<($0 + 1) * inputs]) }
    let quantised = (0..<outputs).map { steps(weight[$0 * inputs..<($0 + 1) * inputs]) }
    var expected: [Float] = []
    for row in 0..<rows {
      for output in 0..<outputs {
        var sum = 0.0
        for index in 0..<inputs {
          sum += read[row].whole[index] * quantised[output].whole[index]
        }
        expected.append(
          Float(
            sum * read[row].worth * quantised[output].worth + (hasBias ? Double(bias[output]) : 0)))
      }
    }
    try onEngine {
      let made = Tensor(x, shape: [rows, inputs]).linear(
        Tensor(weight, shape: [outputs, inputs]),
        bias: hasBias ? Tensor(bias, shape: [outputs]) : nil, result: .float32,
        Pass(training: false, precision: .float32, quantises: true))
      // Quotients that lie between two whole numbers may go either way.
      #expect(Golden.relativeError(made.values, expected) < 2e-2)
      let exact = Tensor(x, shape: [rows, inputs]).linear(
        Tensor(weight, shape: [outputs, inputs]),
        bias: hasBias ? Tensor(bias, shape: [outputs]) : nil, result: .float32,
        Pass(training: false, precision: .float32))
      #expect(Golden.relativeError(made.values, exact.values) < 3e-2)
    }
  }

  /// A weight that is written anew is quantised anew; nothing but zeros gives the bias.
  @Test func changes() throws {
    try onEngine {
      let pass = Pass(training: false, precision: .float32, quantises: true)
      let weight = Tensor([1, 2, 3, 4], shape: [2, 2])
      let bias = Tensor([0.5, -0.5], shape: [2])
      let x = Tensor([1, 1], shape: [1, 2])
      let before = x.linear(weight, bias: bias, pass).values
      #expect(Golden.relativeError(before, [3.5, 6.5]) < 1e-2)
      for index in 0..<4 { weight.pointer[index] *= 10 }
      weight.didChange()
      #expect(Golden.relativeError(x.linear(weight, bias: bias, pass).values, [30.5, 69.5]) < 1e-2)
      #expect(
        Tensor([0, 0], shape: [1, 2]).linear(weight, bias: bias, pass).values == [0.5, -0.5])
    }
  }
}
