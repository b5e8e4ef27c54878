/// What a bootstrap draws: speakers where there are five or more, else utterances.
///
/// Utterances of one voice go wrong together, so drawing them singly would promise too much.
public enum ResamplingUnit: String, Sendable, Codable {
  case speakers, utterances

  package static let fewestSpeakers = 5

  /// Draws from fewer units than these repeat themselves too much: the interval comes out too narrow, and
  /// of one unit it has no width at all.
  package var fewestUnits: Int { self == .speakers ? ResamplingUnit.fewestSpeakers : 10 }

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
