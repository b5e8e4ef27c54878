import Adaptation
import Basics
import Foundation
import TestSupport
import Testing

/// The H-score of frames, and ranking by it.
struct RankingTests {
  private func statistics(
    _ count: Int, seed: UInt64 = 1, size: Int = 4, labels: Int = 3, offset: Float
  ) throws -> FrameStatistics {
    try onEngine {
      var random = SeededRandom(seed: seed)
      var result = FrameStatistics(size: size)
      let chosen = (0..<count).map { _ in Int32(random.integer(below: labels)) }
      let frames = chosen.flatMap { label in
        (0..<size).map { random.normal() + ($0 == Int(label) ? offset : 0) }
      }
      result.add(frames, labels: chosen)
      return result
    }
  }

  @Test func fromNothingToEverything() throws {
    let score = { (offset: Float) in try HScore(statistics(3000, offset: offset))?.value ?? -1 }
    #expect(try score(0) < 0.01)
    let (some, much) = (try score(2), try score(100))
    #expect(some > 0.2 && some < 0.8)
    #expect(much > 0.99 && much <= 1)
  }

  /// Against the formula with the inverse of a 2 × 2 matrix written out.
  @Test func isTheFormula() throws {
    var random = SeededRandom(seed: 5)
    let labels = (0..<60).map { Int32($0 % 2) }
    let frames = labels.map { label in
      [random.normal() * 2 + Float(label), random.normal() - Float(label) + 3]
    }
    let result = try onEngine {
      var sums = FrameStatistics(size: 2)
      sums.add(frames.flatMap { $0 }, labels: labels)
      return try #require(HScore(sums))
    }
    func mean(_ rows: [[Float]]) -> [Double] {
      (0..<2).map { k in rows.reduce(0.0) { $0 + Double($1[k]) } / Double(rows.count) }
    }
    let all = mean(frames)
    var s = [0.0, 0, 0]
    for row in frames {
      let (x, y) = (Double(row[0]) - all[0], Double(row[1]) - all[1])
      s = [s[0] + x * x, s[1] + x * y, s[2] + y * y]
    }
    s = s.map { $0 / 60 }
    let keep = 1 - result.shrinkage
    let level = result.shrinkage * (s[0] + s[2]) / 2
    let (a, b, d) = (keep * s[0] + level, keep * s[1], keep * s[2] + level)
    var expected = 0.0
    for label in [Int32(0), 1] {
      let part = mean(zip(frames, labels).filter { $1 == label }.map(\.0))
      let (x, y) = (part[0] - all[0], part[1] - all[1])
      expected += 0.5 * (d * x * x - 2 * b * x * y + a * y * y) / (a * d - b * b)
    }
    #expect(abs(result.value - expected) < 1e-5 * expected)
    #expect(result.shrinkage > 0 && result.shrinkage < 0.5)
  }

  @Test func partsAddUp() throws {
    let (one, other) = (
      try statistics(200, seed: 1, offset: 1), try statistics(300, seed: 2, offset: 1)
    )
    let both = one + other
    #expect(both.count == 500)
    let swapped = other + one
    #expect(abs(HScore(both)!.value - HScore(swapped)!.value) < 1e-12)
  }

  @Test func tooLittleToSay() throws {
    #expect(HScore(FrameStatistics(size: 3)) == nil)
    #expect(HScore(try statistics(100, labels: 1, offset: 1)) == nil)
    #expect(HScore(try statistics(2, offset: 1)) == nil)
  }

  /// A network that knows the clips tells their characters apart better than a random one; the manifest is
  /// what it learnt.
  @Test func whatKnowsTheTargetComesFirst() throws {
    let corpus = try TinyCorpus()
    let clips = try Overfitted.clips()
    let taught = try Overfitted.outcome.get().directory
    let data = try corpus.write(clips, "data")
    let request = RankingRequest(
      models: [corpus.base, taught], data: data, scratch: "\(corpus.path)/scratch")
    let ranking = try RankingRun(request).run()
    #expect(ranking.candidates.count == 4)
    #expect(ranking.candidates.first?.base == taught, "\(ranking.candidates)")
    #expect(ranking.aligner == taught)
    let scores = ranking.candidates.compactMap(\.score)
    #expect(scores == scores.sorted(by: >))
    #expect(ranking.bases.allSatisfy { $0.overlap == 1 })
  }
}
