import Basics
import Idiolect

extension EvaluationReport {
  /// One object; rates are fractions, times seconds.
  var json: JSONValue {
    .object(
      JSONObject([
        ("model", .string(model)),
        ("data", .string(data)),
        ("precision", .string(precision)),
        ("utterances", .integer(evaluation.scores.count)),
        ("left_out", .array(quarantine.entries.map(entry))),
        ("audio_seconds", .rounded(evaluation.audioSeconds, digits: 3)),
        ("elapsed_seconds", .rounded(evaluation.elapsedSeconds, digits: 3)),
        ("wer", rate(evaluation.words, evaluation.wordCounts)),
        ("cer", rate(evaluation.characters, evaluation.characterCounts)),
        ("quantisation", quantisation?.json ?? .null),
        ("accents", .array(evaluation.byAccent.map(group))),
        ("speakers", .array(evaluation.bySpeaker.map(group))),
        ("scores", .array(evaluation.scores.map(score))),
      ]))
  }

  private func rate(_ interval: ErrorInterval, _ counts: ErrorCounts) -> JSONValue {
    .object(
      JSONObject(
        [
          ("rate", .number(interval.rate)),
          ("lower", .number(interval.lower)),
          ("upper", .number(interval.upper)),
          ("resampled", .string(interval.unit.rawValue)),
          ("units", .integer(interval.units)),
        ] + members(counts)))
  }

  private func members(_ counts: ErrorCounts) -> [(String, JSONValue)] {
    [
      ("substitutions", .integer(counts.substitutions)),
      ("insertions", .integer(counts.insertions)),
      ("deletions", .integer(counts.deletions)),
      ("reference_length", .integer(counts.referenceLength)),
    ]
  }

  private func group(_ group: Evaluation.Group) -> JSONValue {
    .object(
      JSONObject([
        ("name", .string(group.name)),
        ("utterances", .integer(group.utterances)),
        ("words", .object(JSONObject(members(group.words)))),
        ("characters", .object(JSONObject(members(group.characters)))),
      ]))
  }

  private func score(_ score: Evaluation.Score) -> JSONValue {
    .object(
      JSONObject([
        ("utterance", .string(score.utterance.id)),
        ("reference", .string(score.reference)),
        ("hypothesis", .string(score.hypothesis)),
        ("confidence", .rounded(Double(score.confidence), digits: 4)),
        ("words", .object(JSONObject(members(score.words)))),
        ("characters", .object(JSONObject(members(score.characters)))),
      ]))
  }

  private func entry(_ entry: Quarantine.Entry) -> JSONValue {
    .object(
      JSONObject([
        ("utterance", entry.utterance.map { .string($0) } ?? .null),
        ("line", .integer(entry.line)),
        ("cause", .string(entry.cause)),
        ("remedy", .string(entry.remedy)),
      ]))
  }
}
