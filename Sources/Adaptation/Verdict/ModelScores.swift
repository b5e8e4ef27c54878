import Basics
import SpeechText
package import Transcription

/// One of the models that a run had to choose from, on the data that judges.
package struct ModelScores: Sendable {
  package enum Kind: String, Sendable {
    case base
    /// What training gave: the best weights, and their average.
    case adapted, averaged
    /// Weights between the base's and the adapted ones.
    case interpolated
    case scratch = "from scratch"
  }

  package let kind: Kind
  package let target: Evaluation
  /// nil where that is not measured.
  package let retained: Evaluation?

  /// All that a run made.
  ///
  /// - Parameters:
  ///   - trained: what training gave.
  ///   - other: what it gave beside that and was not taken.
  ///   - adapted: of what was judged, drawn back toward the base or not.
  ///   - retained: of the base and what was judged.
  static func all(
    _ trained: Kind, besides other: ModelScores?, base: Evaluation, adapted: Evaluation,
    scratch: Evaluation?,
    retained: Comparison?,
    _ interpolation: Interpolation?
  ) -> [ModelScores] {
    let share = interpolation?.chosen ?? 1
    let judged = ModelScores(
      kind: share < 1 ? .interpolated : trained, target: adapted, retained: retained?.adapted)
    return [ModelScores(kind: .base, target: base, retained: retained?.base)]
      + [other, interpolation?.uninterpolated].compactMap { $0 }
      // None of the change is left: the base again.
      + (share == 0 ? [] : [judged])
      + [scratch.map { ModelScores(kind: .scratch, target: $0, retained: nil) }].compactMap { $0 }
  }

  package var line: String {
    func rates(_ evaluation: Evaluation) -> String {
      "CER \(percent(evaluation.characters.rate)) WER \(percent(evaluation.words.rate))"
    }
    return "\(kind.rawValue): target \(rates(target))"
      + (retained.map { ", retained \(rates($0))" } ?? "")
  }

  var record: JSONValue {
    func rates(_ evaluation: Evaluation) -> JSONValue {
      [
        "utterances": .integer(evaluation.scores.count),
        "wer": .number(evaluation.words.rate), "cer": .number(evaluation.characters.rate),
      ]
    }
    return [
      "model": .string(kind.rawValue), "target": rates(target),
      "retained": retained.map(rates) ?? "not measured",
    ]
  }
}
