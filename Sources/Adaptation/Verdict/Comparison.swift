import Basics
package import SpeechCorpus
package import SpeechText
package import Transcription

/// The base and the adapted model on the same utterances.
package struct Comparison: Sendable {
  package let base: Evaluation
  package let adapted: Evaluation
  package let words: PairedBootstrap
  package let characters: PairedBootstrap
  /// The share of utterances of which the two models hear something different.
  package let changedShare: Double
  /// How many utterances both could transcribe: what every rate here is over.
  package let count: Int
  /// Rates of the base and of the adapted model, over the same utterances as the differences.
  package let wordRates, characterRates: (base: ErrorInterval, adapted: ErrorInterval)

  /// Utterances that only one of them could transcribe are left out of both.
  package init(base: Evaluation, adapted: Evaluation, seed: UInt64) throws {
    self.base = base
    self.adapted = adapted
    let other = Dictionary(
      adapted.scores.map { ($0.utterance.id, $0) }, uniquingKeysWith: { first, _ in first })
    let pairs = base.scores.compactMap { score in other[score.utterance.id].map { (score, $0) } }
    changedShare =
      Double(pairs.count { $0.hypothesis != $1.hypothesis }) / Double(max(1, pairs.count))
    count = pairs.count
    let speakers = pairs.map(\.0.utterance.speaker)
    func interval(_ counts: [ErrorCounts]) throws -> ErrorInterval {
      try ErrorInterval(
        zip(counts, speakers).map { ScoredUtterance(counts: $0, speaker: $1) }, seed: seed)
    }
    wordRates = (try interval(pairs.map(\.0.words)), try interval(pairs.map(\.1.words)))
    characterRates = (
      try interval(pairs.map(\.0.characters)), try interval(pairs.map(\.1.characters))
    )
    words = try PairedBootstrap(
      base: pairs.map(\.0.words), adapted: pairs.map(\.1.words), speakers: speakers, seed: seed)
    characters = try PairedBootstrap(
      base: pairs.map(\.0.characters), adapted: pairs.map(\.1.characters), speakers: speakers,
      seed: seed)
  }

  /// What the difference means on retained data.
  package func forgetting(_ budget: Double) -> Forgetting {
    Forgetting(
      words: words, characters: characters, wordCount: base.wordCounts.referenceLength,
      budget: budget)
  }

  /// Names what was judged, whatever its manifest is called: the SHA-256 of the utterances and their texts.
  package var utteranceHash: String {
    let scored = Set(adapted.scores.map(\.utterance.id))
    let lines = base.scores.map(\.utterance).filter { scored.contains($0.id) }
      .map { "\($0.id)\t\($0.offsetSeconds)\t\($0.text)" }
    return SHA256.hash(lines.sorted().joined(separator: "\n").utf8).hex
  }

  /// Utterances that could not be scored.
  package func quarantine(source: String) -> Quarantine {
    var result = Quarantine()
    // What only one of them failed at is left out of both as well.
    let known = Set(base.quarantine.entries.map { $0.utterance })
    let more = adapted.quarantine.entries.filter { !known.contains($0.utterance) }
    for entry in base.quarantine.entries + more {
      result.add(
        utterance: entry.utterance, source: source, line: entry.line, cause: entry.cause,
        remedy: entry.remedy)
    }
    return result
  }

  /// Two lines: WER and CER before and after, with the interval of the difference.
  package var lines: [String] {
    [
      ("WER", wordRates, words), ("CER", characterRates, characters),
    ].map { name, rates, difference in
      "\(name) \(percent(rates.base.rate)) → \(percent(rates.adapted.rate)), difference \(points(difference.difference)) [95 %: \(points(difference.lower)) … \(points(difference.upper))]"
        + (difference.isResolvable
          ? "" : ", of too few \(difference.unit.rawValue) (\(difference.units)) to rely on")
    }
  }
}
