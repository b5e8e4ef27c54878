import Basics
public import SpeechText

/// A corpus in two parts that share no utterance and, where speakers are known, no voice.
///
/// A seed and the utterances determine the parts. Within each the order stays.
public struct CorpusSplit: Sendable {
  /// The larger part of a hold-out; the selection half.
  public let first: [Utterance]
  /// The part held out; the verdict half.
  public let second: [Utterance]
  /// What was kept together: utterances only where voices could not be parted evenly.
  public let unit: ResamplingUnit

  /// Holds out about `fraction` of the utterances for `second`.
  ///
  /// Whole speakers are held out where some of them together come near the fraction (0.8 to twice of
  /// it); otherwise single utterances.
  ///
  /// - Parameter fraction: above 0 and below 1. Of two utterances or more, each part has one.
  public static func holdingOut(
    fraction: Double, of utterances: [Utterance], seed: UInt64
  ) -> CorpusSplit {
    precondition(fraction > 0 && fraction < 1, "a fraction between 0 and 1, not \(fraction)")
    let target = max(1.0, fraction * Double(utterances.count))
    var random = SeededRandom(seed: seed, 0x5B117)
    if let speakers = bySpeaker(utterances) {
      var held: Set<Int> = []
      // Of a few utterances, twice the fraction would be most of them: never more than half, or the
      // fraction where that is more.
      let most = min(2 * target, max(target, Double(utterances.count) / 2))
      for members in random.shuffled(speakers)
      where Double(held.count + members.count) <= most {
        held.formUnion(members)
        if Double(held.count) >= 0.8 * target { break }
      }
      if Double(held.count) >= 0.8 * target && held.count < utterances.count {
        return CorpusSplit(utterances, second: held, .speakers)
      }
    }
    let count = min(Int(target.rounded()), max(utterances.count - 1, 0))
    let order = random.shuffled(Array(utterances.indices))
    return CorpusSplit(utterances, second: Set(order.prefix(count)), .utterances)
  }

  /// Two halves: one to choose by, one that chooses nothing.
  ///
  /// By whole speakers where neither half becomes twice the other; otherwise by utterances.
  public static func halving(_ utterances: [Utterance], seed: UInt64) -> CorpusSplit {
    var random = SeededRandom(seed: seed, 0x4A1F)
    if let speakers = bySpeaker(utterances) {
      var (first, second) = (0, Set<Int>())
      // Largest first into the smaller half; the shuffle settles ties.
      let order = random.shuffled(speakers).enumerated()
        .sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
      for (_, members) in order {
        if second.count < first {
          second.formUnion(members)
        } else {
          first += members.count
        }
      }
      if min(first, second.count) * 2 > max(first, second.count) {
        return CorpusSplit(utterances, second: second, .speakers)
      }
    }
    let order = random.shuffled(Array(utterances.indices))
    return CorpusSplit(utterances, second: Set(order.prefix(utterances.count / 2)), .utterances)
  }

  /// Parts of about one size that together are all utterances; by whole speakers where there are as many and none
  /// has much more than a part.
  ///
  /// - Parameter count: at most as many as utterances.
  public static func folds(_ count: Int, of utterances: [Utterance], seed: UInt64) -> [[Utterance]]
  {
    precondition(count > 0 && count <= utterances.count, "\(count) folds of \(utterances.count)")
    var random = SeededRandom(seed: seed, 0xF01D)
    let most = 1.5 * Double(utterances.count) / Double(count)
    let speakers = bySpeaker(utterances).flatMap { groups in
      groups.count >= count && groups.allSatisfy { Double($0.count) <= most } ? groups : nil
    }
    let groups = random.shuffled(speakers ?? utterances.indices.map { [$0] })
    // Largest first into the smallest fold; the shuffle settles ties.
    let order = groups.enumerated().sorted {
      ($1.element.count, $0.offset) < ($0.element.count, $1.offset)
    }
    var folds = [[Int]](repeating: [], count: count)
    for (_, members) in order {
      let smallest = folds.indices.min { folds[$0].count < folds[$1].count }!
      folds[smallest] += members
    }
    return folds.map { $0.sorted().map { utterances[$0] } }
  }

  private init(_ utterances: [Utterance], second: Set<Int>, _ unit: ResamplingUnit) {
    first = utterances.indices.filter { !second.contains($0) }.map { utterances[$0] }
    self.second = utterances.indices.filter { second.contains($0) }.map { utterances[$0] }
    self.unit = unit
  }

  /// Indices of each voice's utterances, one without a speaker being a voice by itself; nil where
  /// there are not two voices.
  private static func bySpeaker(_ utterances: [Utterance]) -> [[Int]]? {
    var places: [String: Int] = [:]
    var members: [[Int]] = []
    for (index, utterance) in utterances.enumerated() {
      if let speaker = utterance.speaker, let place = places[speaker] {
        members[place].append(index)
      } else {
        if let speaker = utterance.speaker { places[speaker] = members.count }
        members.append([index])
      }
    }
    return places.count >= 2 ? members : nil
  }
}
