import Foundation
import SpeechCorpus
import SpeechText

/// Which stretches of which files some utterances are; copies of a file, where a pre-flight found them to be
/// that, are the same recording.
struct Recordings {
  private var stretches: [String: [ClosedRange<Double>]] = [:]
  private var fingerprints: Set<UInt64> = []

  init(_ utterances: [Utterance]) {
    for utterance in utterances { add(utterance) }
  }

  private mutating func add(_ utterance: Utterance) {
    stretches[Recordings.file(utterance), default: []].append(Recordings.stretch(utterance))
    if let fingerprint = utterance.fingerprint { fingerprints.insert(fingerprint) }
  }

  /// The utterances without those that are a stretch of audio already met.
  static func distinct(_ utterances: [Utterance]) -> [Utterance] {
    var seen = Recordings([])
    return utterances.filter { utterance in
      defer { seen.add(utterance) }
      return !seen.overlap(utterance)
    }
  }

  /// Holds out about a fraction of some utterances, so that no recording falls into both parts.
  static func holdingOut(
    fraction: Double, of utterances: [Utterance], seed: UInt64
  ) -> (kept: [Utterance], held: [Utterance], unit: ResamplingUnit) {
    let split = CorpusSplit.holdingOut(fraction: fraction, of: distinct(utterances), seed: seed)
    // One that stands in the manifest twice is held out twice.
    let parts = Recordings(split.second)
    return (utterances.filter { !parts.overlap($0) }, split.second, split.unit)
  }

  /// Parts utterances from those that are copies of others, which had better serve one purpose only.
  ///
  /// - Parameters:
  ///   - purpose: what the others do.
  ///   - source: the manifest of the first.
  static func withoutCopies(
    _ utterances: [Utterance], of others: [Utterance], that purpose: String, source: String
  ) -> (kept: [Utterance], quarantine: Quarantine) {
    let parts = Recordings(others)
    var quarantine = Quarantine()
    let kept = utterances.filter { utterance in
      guard parts.overlap(utterance) else { return true }
      quarantine.add(
        utterance: utterance.id, source: source, line: utterance.line,
        cause: "a copy of a recording that \(purpose)", remedy: "take it out of one manifest")
      return false
    }
    return (kept, quarantine)
  }

  /// Whether at least half of an utterance, or of one of these within it, is the same audio.
  ///
  /// Segments of one talk may touch at their edges.
  func overlap(_ utterance: Utterance) -> Bool {
    if let fingerprint = utterance.fingerprint, fingerprints.contains(fingerprint) { return true }
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

extension [Utterance] {
  /// How long they last together, in seconds; a guess for those that do not say.
  var seconds: Double { reduce(0) { $0 + ($1.durationSeconds ?? 10) } }
}
