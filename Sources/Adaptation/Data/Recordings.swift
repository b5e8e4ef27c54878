import Foundation
import SpeechCorpus

/// Which stretches of which files some utterances are.
struct Recordings {
  private var stretches: [String: [ClosedRange<Double>]] = [:]

  init(_ utterances: [Utterance]) {
    for utterance in utterances { add(utterance) }
  }

  private mutating func add(_ utterance: Utterance) {
    stretches[Recordings.file(utterance), default: []].append(Recordings.stretch(utterance))
  }

  /// The utterances without those that are a stretch of audio already met.
  static func distinct(_ utterances: [Utterance]) -> [Utterance] {
    var seen = Recordings([])
    return utterances.filter { utterance in
      defer { seen.add(utterance) }
      return !seen.overlap(utterance)
    }
  }

  /// Whether at least half of an utterance, or of one of these within it, is the same audio.
  ///
  /// Segments of one talk may touch at their edges.
  func overlap(_ utterance: Utterance) -> Bool {
    let stretch = Recordings.stretch(utterance)
    return stretches[Recordings.file(utterance), default: []].contains { other in
      let common =
        min(stretch.upperBound, other.upperBound) - max(stretch.lowerBound, other.lowerBound)
      let shorter = min(
        stretch.upperBound - stretch.lowerBound, other.upperBound - other.lowerBound)
      return common >= 0.5 * shorter
    }
  }

  private static func stretch(_ utterance: Utterance) -> ClosedRange<Double> {
    // Without a duration it reaches to the end, which no offset passes by more than a year.
    let seconds = utterance.durationSeconds ?? 3e7
    return utterance.offsetSeconds...utterance.offsetSeconds + max(0, seconds)
  }

  /// One name for a file, whatever path a manifest reaches it by.
  private static func file(_ utterance: Utterance) -> String {
    URL(fileURLWithPath: utterance.audioPath).resolvingSymlinksInPath().path
  }
}
