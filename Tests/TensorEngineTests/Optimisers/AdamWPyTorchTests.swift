import Basics
import CKernels
import TestSupport
import Testing

/// Oracle: ten steps of `torch.optim.AdamW` (`Scripts/golden/optimisers.py`).
@Suite struct AdamWPyTorchTests {
  @Test func agreesForTenSteps() throws {
    var parameter = try Golden.array("optimisers/adamw_start").values
    let gradients = try Golden.array("optimisers/adamw_gradients").values
    let expected = try Golden.array("optimisers/adamw_parameters").values
    let count = parameter.count
    var m = [Float](repeating: 0, count: count)
    var v = m
    for step in 0..<10 {
      try onEngine {
        ck_adamw(
          &parameter, Array(gradients[step * count..<(step + 1) * count]), &m, &v, count,
          3e-3, 0.9, 0.98, 1e-8, 0.05, Int64(step + 1))
      }
      let error = Golden.relativeError(
        parameter, Array(expected[step * count..<(step + 1) * count]))
      #expect(error < 1e-6, "step \(step + 1)")
      // Each element by its own size too: a small weight must not hide behind a large one.
      for (a, b) in zip(parameter, expected[step * count..<(step + 1) * count]) {
        #expect(abs(a - b) <= 2e-6 * max(abs(b), 0.01))
      }
    }
    #expect(try Golden.relativeError(m, Golden.array("optimisers/adamw_m").values) < 1e-6)
    #expect(try Golden.relativeError(v, Golden.array("optimisers/adamw_v").values) < 1e-6)
  }

  /// Large enough to run in parallel, and of a size that no vector divides.
  @Test func partsEqualTheWhole() throws {
    var random = SeededRandom(seed: 5)
    let count = 100_003
    let start = (0..<count).map { _ in random.normal() }
    let gradient = (0..<count).map { _ in random.normal() }
    func run(pieces: Int) throws -> [Float] {
      var (p, m, v) = (
        start, [Float](repeating: 0, count: count), [Float](repeating: 0, count: count)
      )
      try onEngine {
        for piece in 0..<pieces {
          let range = count * piece / pieces..<count * (piece + 1) / pieces
          p.withUnsafeMutableBufferPointer { p in
            ck_adamw(
              p.baseAddress! + range.lowerBound, Array(gradient[range]), &m, &v, range.count, 1e-2,
              0.9, 0.999, 1e-8, 0, 1)
          }
          for index in 0..<range.count { (m[index], v[index]) = (0, 0) }
        }
      }
      return p
    }
    #expect(try run(pieces: 1) == run(pieces: 1))
    // The first step of Adam moves every weight by the rate, against its gradient.
    for (index, value) in try run(pieces: 7).enumerated() {
      #expect(abs(value - (start[index] - (gradient[index] > 0 ? 1e-2 : -1e-2))) < 1e-4)
    }
  }
}

/// Oracle: the definitions, computed serially in double.
@Suite struct FlatBufferTests {
  @Test(arguments: [0, 1, 15, 16, 17, 16_384, 16_385, 100_003, 4_500_000])
  func sumOfSquares(count: Int) throws {
    var random = SeededRandom(seed: UInt64(count))
    let x = (0..<count).map { _ in random.uniform(-1...1) }
    // Kahan's sum, since a plain one is off by more than the kernel.
    var (expected, lost) = (0.0, 0.0)
    for value in x {
      let term = Double(value) * Double(value) - lost
      (expected, lost) = (expected + term, (expected + term - expected) - term)
    }
    let (one, all) = try onEngine {
      let threads = ck_threads()
      defer { ck_set_threads(threads) }
      ck_set_threads(1)
      let one = ck_sum_squares(x, count)
      ck_set_threads(max(2, threads))
      return (one, ck_sum_squares(x, count))
    }
    #expect(one == all, "threads change nothing")
    #expect(abs(one - expected) <= 1e-13 * expected)
  }

  @Test func largeValuesDoNotOverflow() throws {
    let x = [Float](repeating: 1e30, count: 100)
    #expect(abs(try onEngine { ck_sum_squares(x, 100) } / 1e62 - 1) < 1e-6)
    #expect(try onEngine { ck_sum_squares([1, .nan], 2) }.isNaN)
  }

  @Test(arguments: [1, 1003, 50_001])
  func scaleAndLerp(count: Int) throws {
    var random = SeededRandom(seed: 1)
    let a = (0..<count).map { _ in random.normal() }
    let b = (0..<count).map { _ in random.normal() }
    var (scaled, average, whole) = (a, a, a)
    try onEngine {
      scaled.withUnsafeMutableBufferPointer {
        ck_scale_into($0.baseAddress, 0.37, $0.baseAddress, count)
      }
      ck_lerp(&average, b, count, 0.01)
      ck_lerp(&whole, b, count, 0)
    }
    #expect(scaled == a.map { $0 * 0.37 })
    #expect(Golden.relativeError(average, zip(a, b).map { 0.99 * $0 + 0.01 * $1 }) < 1e-6)
    #expect(whole == a)
  }
}
