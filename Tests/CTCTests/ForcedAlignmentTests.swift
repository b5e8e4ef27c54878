import Basics
import CTC
import Testing

@Suite struct ForcedAlignmentTests {
  func align(_ target: [Int32], _ logits: [Float], labels: Int = 3) throws -> ForcedAlignment {
    try logits.withUnsafeBufferPointer {
      try ForcedAlignment(of: target, to: $0, labels: labels, blank: 0, name: "clip-9")
    }
  }

  @Test func findsEachLabelsFrames() throws {
    let path = [0, 1, 1, 0, 1, 2, 2, 0]
    let logits = path.flatMap { best in (0..<3).map { $0 == best ? Float(9) : 0 } }
    let alignment = try align([1, 1, 2], logits)
    #expect(alignment.labels.map(\.startFrame) == [1, 4, 5])
    #expect(alignment.labels.map(\.endFrame) == [3, 5, 7])
    #expect(alignment.confidence > 0.999)
  }

  @Test func aTargetThatWasNotSaidHasLowConfidence() throws {
    let logits = (0..<6).flatMap { _ in [9, 0, 0] as [Float] }
    let alignment = try align([1, 2], logits)
    #expect(alignment.labels.map(\.label) == [1, 2])
    #expect(alignment.labels.allSatisfy { $0.confidence < 0.001 })
  }

  @Test func emptyTargetIsAllBlank() throws {
    let alignment = try align([], [1, 0, 0, 0, 1, 0])
    #expect(alignment.labels.isEmpty)
    #expect(try align([], []).confidence == 0)
  }

  @Test func refusesWhatCannotBeAligned() throws {
    let flat = [Float](repeating: 0, count: 9)
    var broken = flat
    broken[4] = .nan
    var masked = flat
    for row in 0..<3 { masked[row * 3 + 2] = -.infinity }
    let refused: [([Int32], [Float], String)] = [
      ([1, 1, 2], flat, "needs 4"), ([3], flat, "label 3"), ([0], flat, "the blank"),
      ([1], broken, "not a number"), ([2], masked, "rules its transcript out"),
    ]
    for (target, logits, why) in refused {
      let error = try #require(throws: IdiolectError.self) { try align(target, logits) }
      #expect(error.message.contains("clip-9") && error.message.contains(why), "\(error)")
    }
  }

  /// As the number of frames grows the path's labels stay in order and never overlap.
  @Test(arguments: [5, 64, 500])
  func labelsAreInOrder(frames: Int) throws {
    var random = SeededRandom(seed: 2, frames)
    let logits = (0..<frames * 6).map { _ in random.uniform(-4...4) }
    let target = (0..<frames / 4).map { _ in Int32(1 + random.integer(below: 5)) }
    let alignment = try align(target, logits, labels: 6)
    #expect(alignment.labels.map { Int32($0.label) } == target)
    for (before, after) in zip(alignment.labels, alignment.labels.dropFirst()) {
      #expect(before.endFrame <= after.startFrame)
      #expect(before.label != after.label || before.endFrame < after.startFrame)
    }
  }
}
