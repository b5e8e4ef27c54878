import SpeechCorpus
import SpeechText
import Testing

@Suite("Parting a corpus")
struct CorpusSplitTests {
  private func corpus(_ sizes: [Int]) -> [Utterance] {
    sizes.enumerated().flatMap { speaker, size in
      (0..<size).map {
        Utterance(id: "\(speaker)/\($0)", audioPath: "", text: "", speaker: "\(speaker)")
      }
    }
  }

  private func disjoint(_ split: CorpusSplit, _ all: [Utterance]) -> Bool {
    let (a, b) = (split.first.map(\.id), split.second.map(\.id))
    return Set(a).isDisjoint(with: b) && a.count + b.count == all.count
      && Set(a + b).count == all.count
  }

  @Test("Held-out voices are heard nowhere else", arguments: 0..<5 as Range<UInt64>)
  func speakers(seed: UInt64) {
    let all = corpus([10, 12, 8, 9, 11, 10, 10, 10, 10, 10])
    let split = CorpusSplit.holdingOut(fraction: 0.2, of: all, seed: seed)
    #expect(split.unit == .speakers && disjoint(split, all))
    #expect(Set(split.first.map(\.speaker)).isDisjoint(with: split.second.map(\.speaker)))
    #expect((16...40).contains(split.second.count))
    let again = CorpusSplit.holdingOut(fraction: 0.2, of: all, seed: seed)
    #expect(again.second == split.second)
    let halves = CorpusSplit.halving(all, seed: seed)
    #expect(halves.unit == .speakers && disjoint(halves, all))
    #expect(Set(halves.first.map(\.speaker)).isDisjoint(with: halves.second.map(\.speaker)))
    #expect(abs(halves.first.count - halves.second.count) <= 10)
  }

  @Test("Folds are all of a corpus, of one size, and by voice where there are enough")
  func folds() {
    for sizes in [[10], [3, 3, 4], [1, 1, 1, 1], [10, 12, 8, 9, 11, 10]] {
      let all = corpus(sizes)
      let folds = CorpusSplit.folds(4, of: all, seed: 3)
      #expect(folds == CorpusSplit.folds(4, of: all, seed: 3))
      #expect(folds.count == 4 && folds.allSatisfy { !$0.isEmpty })
      #expect(Set(folds.joined().map(\.id)) == Set(all.map(\.id)))
      #expect(folds.joined().count == all.count)
      let counts = folds.map(\.count)
      #expect(counts.max()! <= 2 * counts.min()!)
      if sizes.count >= 4 {
        for speaker in Set(all.map(\.speaker)) {
          #expect(folds.count { $0.contains { $0.speaker == speaker } } == 1)
        }
      } else {
        #expect(counts.max()! - counts.min()! <= 1)
      }
    }
    // One voice has most of it: parted all the same.
    for sizes in [[50, 3, 3, 3], [25, 25, 1, 1]] {
      let counts = CorpusSplit.folds(4, of: corpus(sizes), seed: 3).map(\.count)
      #expect(counts.max()! - counts.min()! <= 1)
    }
  }

  @Test("Where voices cannot be parted, utterances are")
  func utterances() {
    for sizes in [[100], [33, 33, 34]] {
      let all = corpus(sizes)
      let split = CorpusSplit.holdingOut(fraction: 0.1, of: all, seed: 1)
      #expect(split.unit == .utterances && split.second.count == 10 && disjoint(split, all))
    }
    let lopsided = corpus([90, 3, 3, 2, 2])
    let halves = CorpusSplit.halving(lopsided, seed: 1)
    #expect(halves.unit == .utterances && halves.second.count == 50 && disjoint(halves, lopsided))
    let seeds = (1...4).map { seed in
      CorpusSplit.holdingOut(fraction: 0.1, of: corpus([100]), seed: seed).second.map(\.id)
    }
    #expect(Set(seeds).count == 4)
  }

  @Test("Of a few utterances, no more than half is held out", arguments: 0..<20 as Range<UInt64>)
  func fewVoices(seed: UInt64) {
    for sizes in [[4, 1], [1, 2, 2], [3, 1, 1], [1, 1, 1, 1, 1], [2, 3]] {
      let all = corpus(sizes)
      let split = CorpusSplit.holdingOut(fraction: 0.4, of: all, seed: seed)
      #expect(disjoint(split, all) && split.second.count == 2)
    }
  }

  @Test("Small corpora", arguments: [0, 1, 2, 3])
  func small(count: Int) {
    let all = (0..<count).map { Utterance(id: "\($0)", audioPath: "", text: "") }
    let split = CorpusSplit.holdingOut(fraction: 0.1, of: all, seed: 1)
    #expect(disjoint(split, all) && split.second.count == (count < 2 ? 0 : 1))
    #expect(disjoint(CorpusSplit.halving(all, seed: 1), all))
  }
}
