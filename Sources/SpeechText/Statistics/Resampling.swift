import Basics

/// Errors of one utterance and whose it is, for statistics over a test set.
public struct ScoredUtterance: Sendable, Hashable {
  public var counts: ErrorCounts
  public var speaker: String?

  public init(counts: ErrorCounts, speaker: String? = nil) {
    self.counts = counts
    self.speaker = speaker
  }
}

/// What a bootstrap draws: speakers where there are five or more, else utterances.
///
/// Utterances of one voice go wrong together, so drawing them singly would promise too much.
public enum ResamplingUnit: String, Sendable, Codable {
  case speakers, utterances

  package static let fewestSpeakers = 5

  /// Draws from fewer units than these repeat themselves too much: the interval comes out too narrow, and
  /// of one unit it has no width at all.
  package static let fewestUnits = 10

  /// The unit, and which unit each utterance belongs to (numbered from 0, in order of appearance).
  ///
  /// An utterance without a speaker is a unit by itself.
  package static func groups(
    speakers: [String?]
  ) -> (unit: ResamplingUnit, group: [Int], count: Int) {
    guard Set(speakers.compactMap { $0 }).count >= fewestSpeakers else {
      return (.utterances, Array(speakers.indices), speakers.count)
    }
    var numbers: [String: Int] = [:]
    var count = 0
    let group = speakers.map { speaker in
      if let speaker, let known = numbers[speaker] { return known }
      if let speaker { numbers[speaker] = count }
      count += 1
      return count - 1
    }
    return (.speakers, group, count)
  }
}

/// Sums of `columns` drawn with replacement, again and again.
enum Resampling {
  /// Calls `body` with the summed columns of each resample: as many draws as there are rows.
  static func run(
    rows: [SIMD4<Int>], resamples: Int, random: inout SeededRandom, _ body: (SIMD4<Int>) -> Void
  ) {
    rows.withUnsafeBufferPointer { rows in
      for _ in 0..<resamples {
        var sum = SIMD4<Int>.zero
        for _ in 0..<rows.count { sum &+= rows[random.integer(below: rows.count)] }
        body(sum)
      }
    }
  }

  /// The quantile by linear interpolation, as NumPy's default. `sorted` is not empty.
  static func quantile(_ sorted: [Double], _ probability: Double) -> Double {
    let place = probability * Double(sorted.count - 1)
    let below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
  }

  static func rate(_ errors: Int, _ length: Int) -> Double {
    Double(errors) / Double(max(length, 1))
  }
}
