import Basics
import CTC
import Foundation
import Testing

/// Every path of a tiny problem, one by one: no recursion to agree with by mistake.
@Suite struct BruteForceTests {
  struct Enumeration {
    var loss = 0.0
    var gradient: [Double]
    var bestPath: [Int] = []
    var bestScore = -Double.infinity

    init(logits: [Float], labels: Int, blank: Int, target: [Int]) {
      let frames = logits.count / labels
      var softmax: [Double] = []
      for t in 0..<frames {
        let row = logits[t * labels..<(t + 1) * labels].map { exp(Double($0)) }
        let sum = row.reduce(0, +)
        softmax += row.map { $0 / sum }
      }
      var total = 0.0
      var occupancy = [Double](repeating: 0, count: logits.count)
      var path = [Int](repeating: 0, count: frames)
      while true {
        if BruteForceTests.collapse(path, blank: blank) == target {
          let probability = path.enumerated().reduce(1.0) {
            $0 * softmax[$1.offset * labels + $1.element]
          }
          total += probability
          for (t, label) in path.enumerated() { occupancy[t * labels + label] += probability }
          if probability > bestScore { (bestScore, bestPath) = (probability, path) }
        }
        guard let turn = path.firstIndex(where: { $0 + 1 < labels }) else { break }
        for t in 0..<turn { path[t] = 0 }
        path[turn] += 1
      }
      loss = -log(total)
      gradient = zip(softmax, occupancy).map { $0 - $1 / total }
    }
  }

  static func collapse(_ path: [Int], blank: Int) -> [Int] {
    path.enumerated().filter {
      $0.element != blank && ($0.offset == 0 || path[$0.offset - 1] != $0.element)
    }
    .map(\.element)
  }

  struct Problem {
    var labels: Int
    var blank: Int
    var frames: Int
    var target: [Int32]
    var logits: [Float]

    init(seed: Int) {
      var random = SeededRandom(seed: 40, seed)
      labels = 2 + random.integer(below: 3)
      blank = random.integer(below: labels)
      frames = 1 + random.integer(below: 6)
      let width = labels
      let silent = blank
      target = (0..<random.integer(below: frames + 1)).map { _ in
        Int32((silent + 1 + random.integer(below: width - 1)) % width)
      }
      let scale: Float = seed % 3 == 0 ? 60 : 2
      logits = (0..<frames * labels).map { _ in random.uniform(-scale...scale) }
    }
  }

  @Test(arguments: 0..<120)
  func lossGradientAndAlignment(seed: Int) throws {
    let problem = Problem(seed: seed)
    let required = CTCUtterance.requiredFrames(problem.target)
    let segment = PackedSegment(firstRow: 0, rows: problem.frames, frames: problem.frames)
    let (result, gradient) = try CTCLoss(labels: problem.labels, blank: problem.blank).evaluate(
      problem.logits, [CTCUtterance(name: "u", segment: segment, target: problem.target)])
    guard required <= problem.frames else {
      #expect(
        result.excluded.map(\.reason) == [.tooShort(frames: problem.frames, required: required)])
      return
    }
    let expected = Enumeration(
      logits: problem.logits, labels: problem.labels, blank: problem.blank,
      target: problem.target.map(Int.init))
    let loss = try #require(result.losses[0])
    #expect(abs(loss - expected.loss) <= 1e-11 * max(1, expected.loss))
    for (found, right) in zip(gradient, expected.gradient) {
      #expect(abs(Double(found) - right) <= 1e-7)
    }

    let alignment = try problem.logits.withUnsafeBufferPointer {
      try ForcedAlignment(
        of: problem.target, to: $0, labels: problem.labels, blank: problem.blank, name: "u")
    }
    var path = [Int](repeating: problem.blank, count: problem.frames)
    for label in alignment.labels {
      for t in label.startFrame..<label.endFrame { path[t] = label.label }
    }
    #expect(path == expected.bestPath)
    #expect(alignment.labels.map { Int32($0.label) } == problem.target)
  }
}
