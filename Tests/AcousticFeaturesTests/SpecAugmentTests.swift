import AcousticFeatures
import Basics
import Testing

@Suite struct SpecAugmentTests {
  let features = Features(
    frames: 101, bins: 80, validFrames: 100,
    values: [Float](repeating: 1, count: 100 * 80) + [Float](repeating: 5, count: 80))

  @Test func masksAreWholeColumnsAndRowsOfValidFrames() throws {
    var largestShare = 0
    for seed in 0..<50 {
      var random = SeededRandom(seed: UInt64(seed))
      var masked = features
      SpecAugment().apply(to: &masked, random: &random)
      #expect(masked.values.suffix(80).allSatisfy { $0 == 5 })
      let rows = (0..<100).filter { frame in
        (0..<80).allSatisfy { masked.values[frame * 80 + $0] == 0 }
      }
      let columns = (0..<80).filter { bin in
        (0..<100).allSatisfy { masked.values[$0 * 80 + bin] == 0 }
      }
      for frame in 0..<100 {
        for bin in 0..<80 where masked.values[frame * 80 + bin] == 0 {
          #expect(rows.contains(frame) || columns.contains(bin))
        }
      }
      #expect(rows.count <= 50 && columns.count <= 54)
      largestShare = max(largestShare, rows.count + columns.count)
    }
    #expect(largestShare > 30)
  }

  @Test func theSeedDeterminesTheMasks() {
    func masked(_ seed: UInt64) -> Features {
      var random = SeededRandom(seed: seed)
      var result = features
      SpecAugment().apply(to: &result, random: &random)
      return result
    }
    #expect(masked(3) == masked(3))
    #expect(masked(3) != masked(4))
  }

  @Test func emptyFeaturesStayEmpty() {
    var random = SeededRandom(seed: 1)
    var empty = Features(frames: 0, bins: 80, validFrames: 0, values: [])
    SpecAugment().apply(to: &empty, random: &random)
    #expect(empty.values.isEmpty)
  }

  @Test func senselessSettingsAreRefused() {
    var augment = SpecAugment()
    augment.timeWidthFraction = 1.5
    #expect(throws: IdiolectError.self) { try augment.validate() }
    augment = SpecAugment()
    augment.frequencyMasks = -1
    #expect(throws: IdiolectError.self) { try augment.validate() }
  }
}
