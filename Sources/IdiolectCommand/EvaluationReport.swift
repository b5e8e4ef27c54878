import Basics
import Foundation
import Idiolect

/// An evaluation as text, for people.
struct EvaluationReport {
  let evaluation: Evaluation
  let quarantine: Quarantine
  let model: String
  let data: String
  /// As it was asked for.
  let precision: String
  let worst: Int
  /// Where it was heard in 8 bits.
  let quantisation: QuantisationReport?

  init(
    _ evaluation: Evaluation, quarantine: Quarantine, model: String, data: String,
    precision: String, worst: Int, quantisation: QuantisationReport?
  ) {
    self.evaluation = evaluation
    self.quarantine = quarantine
    self.model = model
    self.data = data
    self.precision = precision
    self.worst = worst
    self.quantisation = quantisation
  }

  var lines: [String] {
    var lines = [
      "\(Figures.count(evaluation.scores.count)) utterances"
        + " (\(Figures.duration(evaluation.audioSeconds)))"
        + (quarantine.isEmpty ? "" : ", \(Figures.count(quarantine.count)) left out"),
      rate("WER", evaluation.words, evaluation.wordCounts, "words"),
      rate("CER", evaluation.characters, evaluation.characterCounts, "characters"),
      String(
        format: "%.1f s for %@: real-time factor %.4f, %@", evaluation.elapsedSeconds,
        Figures.duration(evaluation.audioSeconds), evaluation.realTimeFactor, precision),
    ]
    lines += quantisation?.lines ?? []
    lines += table("accent", evaluation.byAccent)
    lines += table("speaker", evaluation.bySpeaker)
    let worst = evaluation.worst(worst)
    if !worst.isEmpty { lines += ["", "worst utterances"] }
    for score in worst {
      lines += [
        "\(Failure.oneLine(score.utterance.id)): \(score.words.errors) of "
          + "\(score.words.referenceLength) words",
        "  said   \(Failure.oneLine(score.reference))",
        "  heard  \(Failure.oneLine(score.hypothesis))",
      ]
    }
    return lines
  }

  private func rate(
    _ name: String, _ interval: ErrorInterval, _ counts: ErrorCounts, _ unit: String
  ) -> String {
    "\(name) \(percent(interval.rate, digits: 2)) (95 %: \(percent(interval.lower, digits: 2)) to "
      + "\(percent(interval.upper, digits: 2)), over \(interval.units) \(interval.unit.rawValue)): "
      + "\(counts.substitutions) substitutions, \(counts.insertions) insertions, "
      + "\(counts.deletions) deletions in \(Figures.count(counts.referenceLength)) \(unit)"
  }

  /// A single group says nothing that the sums have not said.
  private func table(_ title: String, _ groups: [Evaluation.Group]) -> [String] {
    guard groups.count > 1 else { return [] }
    let rows = groups.map { group in
      [
        Failure.oneLine(group.name), "\(group.utterances)", "\(group.words.referenceLength)",
        percent(group.words.rate, digits: 2), percent(group.characters.rate, digits: 2),
      ]
    }
    return [""] + Figures.table([[title, "utterances", "words", "WER", "CER"]] + rows)
  }
}
