import Basics
import CKernels
import CTC
import Testing

/// What the loss promises beside its value: exclusion, padding, order, threads.
@Suite struct LossContractTests {
  let loss = CTCLoss(labels: 5, blank: 0)

  func logits(rows: Int, seed: Int = 1) -> [Float] {
    var random = SeededRandom(seed: 9, seed)
    return (0..<rows * 5).map { _ in random.uniform(-2...2) }
  }

  func utterance(_ name: String, _ first: Int, _ rows: Int, _ frames: Int, _ target: [Int32])
    -> CTCUtterance
  {
    CTCUtterance(
      name: name, segment: PackedSegment(firstRow: first, rows: rows, frames: frames),
      target: target)
  }

  @Test func tooShortIsReportedAndLeavesNoGradient() throws {
    let batch = [
      utterance("good", 0, 4, 4, [1, 2]), utterance("bad", 4, 4, 3, [2, 2, 3]),
      utterance("late", 8, 2, 2, [4]),
    ]
    let (result, gradient) = try loss.evaluate(logits(rows: 10), batch)
    #expect(
      result.excluded
        == [.init(index: 1, name: "bad", reason: .tooShort(frames: 3, required: 4))])
    #expect(result.losses[1] == nil)
    #expect(result.includedCount == 2)
    let losses = result.losses.compactMap { $0 }
    #expect(result.meanLoss == (losses[0] + losses[1]) / 2)
    #expect(result.weightedLoss == losses[0] + losses[1])
    #expect(gradient[20..<40].allSatisfy { $0 == 0 })
    #expect(gradient[..<20].contains { $0 != 0 } && gradient[40...].contains { $0 != 0 })
  }

  @Test func failNamesTheUtterance() throws {
    let batch = [utterance("good", 0, 4, 4, [1, 2]), utterance("clip-7", 4, 4, 3, [2, 2, 3])]
    let error = try #require(throws: IdiolectError.self) {
      try loss.evaluate(logits(rows: 8), batch, .fail)
    }
    #expect(error.code == .invalidData)
    #expect(error.message.contains("clip-7") && error.message.contains("needs 4"))
  }

  @Test func nothingIncludedHasNoMean() throws {
    let result = try loss.evaluate(logits(rows: 1), [utterance("a", 0, 1, 1, [1, 1])]).result
    #expect(result.meanLoss == nil && result.weightedLoss == 0)
    let empty = try loss.evaluate([], [])
    #expect(empty.result.losses.isEmpty && empty.result.meanLoss == nil)
  }

  @Test func noFramesAndNoLabelsIsCertain() throws {
    let batch = [utterance("none", 0, 2, 0, []), utterance("some", 2, 0, 0, [1])]
    let (result, gradient) = try loss.evaluate(logits(rows: 2), batch)
    #expect(result.losses == [0, nil])
    #expect(gradient.allSatisfy { $0 == 0 })
  }

  @Test(arguments: [Float.nan, .infinity])
  func aFrameThatIsNotFiniteExcludes(_ value: Float) throws {
    for column in 0..<5 {
      var logits = logits(rows: 12)
      logits[7 * 5 + column] = value
      let batch = [
        utterance("a", 0, 4, 4, [1]), utterance("b", 4, 4, 4, [1]), utterance("c", 8, 4, 4, [1]),
      ]
      let (result, gradient) = try loss.evaluate(logits, batch)
      #expect(result.excluded == [.init(index: 1, name: "b", reason: .notFinite)])
      #expect(gradient.allSatisfy(\.isFinite) && gradient[20..<40].allSatisfy { $0 == 0 })
      // In padding it is not looked at.
      let padded = [utterance("b", 4, 4, 3, [1])]
      #expect(try loss.evaluate(logits, padded).result.excluded.isEmpty)
    }
  }

  @Test func maskedLabels() throws {
    var logits = logits(rows: 3)
    for row in 0..<3 { logits[row * 5 + 4] = -.infinity }
    let without = try loss.evaluate(logits, [utterance("a", 0, 3, 3, [1, 2])])
    #expect(without.result.excluded.isEmpty && without.gradient.allSatisfy(\.isFinite))
    #expect(without.gradient[4] == 0)
    let with = try loss.evaluate(logits, [utterance("a", 0, 3, 3, [4])])
    #expect(with.result.excluded.map(\.reason) == [.impossible])
    for column in 0..<5 { logits[column] = -.infinity }
    let none = try loss.evaluate(logits, [utterance("a", 0, 3, 3, [1])])
    #expect(none.result.excluded.map(\.reason) == [.notFinite])
  }

  /// The likeliest beginning cannot end: what is behind it by 40,000 nats must still be there.
  @Test func deadEndsDoNotDrownTheRest() throws {
    var logits = [Float](repeating: -1000, count: 40 * 5)
    for row in 0..<40 { logits[row * 5] = 0 }
    // Blank in all frames is likely, and at odds with a target that needs every frame.
    let target = (0..<40).map { Int32(1 + $0 % 4) }
    let (result, gradient) = try loss.evaluate(logits, [utterance("a", 0, 40, 40, target)])
    #expect(try abs(#require(result.losses[0]) - 40_000) < 1e-6)
    for row in 0..<40 {
      #expect(gradient[row * 5] == 1)
      #expect(gradient[row * 5 + Int(target[row])] == -1)
    }
  }

  @Test func hugeLogits() throws {
    var random = SeededRandom(seed: 3)
    let logits = (0..<100 * 5).map { _ in random.uniform(-1e6...1e6) }
    let (result, gradient) = try loss.evaluate(logits, [utterance("a", 0, 100, 100, [1, 2, 2, 3])])
    #expect(try #require(result.losses[0]) > 1e6)
    #expect(gradient.allSatisfy { $0.isFinite && abs($0) <= 1 })
  }

  @Test func rowsOutsideEverySegmentHaveNoGradient() throws {
    let (_, gradient) = try loss.evaluate(logits(rows: 12), [utterance("a", 3, 5, 4, [1])])
    #expect(gradient[..<15].allSatisfy { $0 == 0 })
    #expect(gradient[15..<35].allSatisfy { $0 != 0 })
    #expect(gradient[35...].allSatisfy { $0 == 0 })
  }

  @Test(arguments: [[0], [5], [-1], [1, Int32.max]] as [[Int32]])
  func foreignLabelsAreRefused(_ target: [Int32]) throws {
    let error = try #require(throws: IdiolectError.self) {
      try loss.evaluate(logits(rows: 9), [utterance("clip-3", 0, 9, 9, target)])
    }
    #expect(error.message.contains("clip-3"))
  }

  /// Alone or among others, on one thread or more: the same bits.
  @Test func neitherThreadsNorNeighboursMatter() throws {
    let lengths = [70, 3, 200, 129, 64, 65, 1, 128]
    let segments = PackedSegment.packed(frames: lengths)
    let batch = segments.enumerated().map { index, segment in
      CTCUtterance(
        name: "\(index)", segment: segment,
        target: (0..<segment.frames / 3).map { Int32(1 + ($0 * $0 + index) % 4) },
        weight: 1 / Double(index + 1))
    }
    let logits = logits(rows: lengths.reduce(0, +))
    let together = try loss.evaluate(logits, batch)
    let single = try onEngine {
      let threads = ck_threads()
      ck_set_threads(1)
      defer { ck_set_threads(threads) }
      return try loss.evaluate(logits, batch)
    }
    #expect(together.gradient == single.gradient)
    #expect(together.result.losses == single.result.losses)
    for (index, utterance) in batch.enumerated() {
      var alone = utterance
      let rows =
        utterance.segment.firstRow * 5..<(utterance.segment.firstRow + utterance.segment.rows) * 5
      alone.segment.firstRow = 0
      let result = try loss.evaluate(Array(logits[rows]), [alone])
      #expect(result.gradient == Array(together.gradient[rows]))
      #expect(result.result.losses[0] == together.result.losses[index])
    }
  }
}
