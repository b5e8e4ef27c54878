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

  /// Utterances that only one of them could transcribe are left out of both.
  package init(base: Evaluation, adapted: Evaluation, seed: UInt64) throws {
    self.base = base
    self.adapted = adapted
    let other = Dictionary(
      adapted.scores.map { ($0.utterance.id, $0) }, uniquingKeysWith: { first, _ in first })
    let pairs = base.scores.compactMap { score in other[score.utterance.id].map { (score, $0) } }
    changedShare =
      Double(pairs.count { $0.hypothesis != $1.hypothesis }) / Double(max(1, pairs.count))
    let speakers = pairs.map(\.0.utterance.speaker)
    words = try PairedBootstrap(
      base: pairs.map(\.0.words), adapted: pairs.map(\.1.words), speakers: speakers, seed: seed)
    characters = try PairedBootstrap(
      base: pairs.map(\.0.characters), adapted: pairs.map(\.1.characters), speakers: speakers,
      seed: seed)
  }

  /// Utterances that could not be scored.
  package func quarantine(source: String) -> Quarantine {
    var result = Quarantine()
    for entry in base.quarantine.entries {
      result.add(
        utterance: entry.utterance, source: source, line: entry.line, cause: entry.cause,
        remedy: entry.remedy)
    }
    return result
  }

  /// Two lines: WER and CER before and after, with the interval of the difference.
  package var lines: [String] {
    [
      ("WER", base.words, adapted.words, words),
      ("CER", base.characters, adapted.characters, characters),
    ].map { name, before, after, difference in
      "\(name) \(percent(before.rate)) → \(percent(after.rate)), difference \(signed(difference.difference)) [95 %: \(signed(difference.lower)) … \(signed(difference.upper))]"
    }
  }
}

private func signed(_ rate: Double) -> String {
  (rate > 0 ? "+" : rate < 0 ? "−" : "") + decimals(abs(rate) * 100, 1)
}
