import Basics
import Foundation
import Testing

/// Oracles: published SplitMix64 output for seed 1234567; the moments of the distributions.
@Suite struct SeededRandomTests {
  @Test func isSplitMix64() {
    var random = SeededRandom(seed: 1_234_567)
    #expect(
      (0..<5).map { _ in random.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }

  /// A change here would change every run of every user.
  @Test func streamsArePinned() {
    var stream = SeededRandom(seed: 1, 3, 17)
    #expect(
      (0..<3).map { _ in stream.next() } == [
        1_205_609_849_721_672_205, 17_462_793_941_867_839_739, 15_161_600_856_637_603_621,
      ])
    var normal = SeededRandom(seed: 9)
    #expect((0..<3).map { _ in normal.normal() } == [0.00661226129, 0.170403615, 0.586703539])
    var shuffle = SeededRandom(seed: 4)
    #expect(shuffle.shuffled(Array(0..<8)) == [0, 4, 7, 1, 2, 5, 6, 3])
  }

  @Test func streamsDiffer() {
    var firsts: Set<UInt64> = []
    for seed in 0..<10 {
      for epoch in 0..<10 {
        for item in 0..<10 {
          var random = SeededRandom(seed: UInt64(seed), epoch, item)
          firsts.insert(random.next())
        }
      }
    }
    #expect(firsts.count == 1000)
    var (one, two) = (SeededRandom(seed: 1, 2), SeededRandom(seed: 1, 3))
    var product = 0.0
    for _ in 0..<10_000 { product += Double(one.normal()) * Double(two.normal()) }
    #expect(abs(product / 10_000) < 0.04, "four deviations of an uncorrelated pair")
  }

  @Test func distributions() {
    var random = SeededRandom(seed: 2)
    let count = 100_000
    let uniform = (0..<count).map { _ in random.uniform() }
    #expect(uniform.allSatisfy { (0..<1).contains($0) })
    #expect(abs(uniform.reduce(0) { $0 + Double($1) } / Double(count) - 0.5) < 0.004)
    let normal = (0..<count).map { _ in Double(random.normal()) }
    #expect(normal.allSatisfy { $0.isFinite })
    #expect(abs(normal.reduce(0, +) / Double(count)) < 0.013)
    #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / Double(count) - 1) < 0.018)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[random.integer(below: 7)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 10_000) < 400 })
    #expect((0..<1000).allSatisfy { _ in (-2...(-1)).contains(random.uniform(-2...(-1))) })
    #expect(random.integer(below: 1) == 0)
  }

  @Test func shuffleKeepsTheItemsAndStateGoesOn() throws {
    var random = SeededRandom(seed: 8)
    #expect(random.shuffled(Array(0..<100)).sorted() == Array(0..<100))
    #expect(random.shuffled([Int]()) == [])
    var copy = try JSONDecoder().decode(
      SeededRandom.self, from: JSONEncoder().encode(random))
    #expect((0..<5).map { _ in copy.next() } == (0..<5).map { _ in random.next() })
  }
}
