package import Basics
import Foundation
package import SpeechCorpus
import SpeechText
import Transcription

/// What an adaptation did, for people and for `adaptation.json`.
public struct AdaptationReport: Sendable {
  package let request: AdaptationRequest
  let baseHash: String
  package let preflight: PreflightReport
  package let coverage: LabelCoverage
  let transfer: String?
  package let choice: StrategyChoice?
  let trainable: Int
  let parameters: Int
  package let weightChange: WeightChange
  package let training: TrainingState
  /// On unlabelled recordings.
  let rounds: [Round]
  package let averaging: Averaging?
  package let interpolation: Interpolation?
  package let target: Comparison
  package let retained: Comparison?
  /// Why there is no `retained` though it was asked for.
  package let unmeasured: String?
  package let models: [ModelScores]
  package let decision: Decision
  package let quarantined: Int

  public var verdict: Verdict { decision.verdict }
  public var ships: ShippedModel { decision.ships }
  public var shipsAdapted: Bool { ships == .adapted }

  /// Whether there was another to choose from than the two that are compared.
  var hasOtherModels: Bool { models.count > 2 || interpolation?.uninterpolated != nil }

  /// The report as people read it.
  public var lines: [String] {
    let rival = decision.rival == .base ? "" : ", from scratch → adapted"
    var lines = [
      "target, \(target.count) utterances that chose nothing"
        + (choice?.unseen.isEmpty ?? true
          ? "\(rival):" : ", each heard by a network that did not train on it:")
    ]
    lines += target.lines.map { "  \($0)" }
    if !coverage.canWrite {
      lines.append(
        "  the base cannot write the target: it has labels for \(percent(coverage.share)) of its characters"
          + (decision.rival == .base
            ? ". To make fewer errors than it proves little, and nothing was trained from scratch to compare with"
            : ""))
    }
    if let retained {
      lines.append("retained, \(retained.count) utterances:")
      lines += retained.lines.map { "  \($0)" }
      if let forgetting = decision.forgetting { lines.append("  \(forgetting.line)") }
    } else {
      lines.append(
        "retained: forgetting is not measured"
          + (unmeasured.map { ": \($0)" } ?? "; give --retain to measure it"))
    }
    if hasOtherModels { lines += ["all models:"] + models.map { "  \($0.line)" } }
    lines.append(
      "proof of change: \(trainable) of \(parameters) parameters trained, \(weightChange.changed) tensors moved, by \(percent(weightChange.relative)) in all; \(percent(target.changedShare)) of the target's utterances are heard differently"
        + (weightChange.changed == 0
          ? "; nothing was learnt: no weights of this training made fewer errors on what chooses than it began with"
          : "")
    )
    let infeasible = training.infeasible.sorted()
    if !infeasible.isEmpty {
      let named = infeasible.prefix(3).joined(separator: ", ") + (infeasible.count > 3 ? " …" : "")
      lines.append(
        "\(infeasible.count) utterances were left out of the loss where a change of speed made them too fast for their text: \(named)"
      )
    }
    if quarantined > 0 {
      lines.append(
        "\(quarantined) utterances quarantined: \(request.output)/training/quarantine.jsonl")
    }
    if let choice { lines.append("why: \(choice.reason)") }
    lines.append("verdict: \(verdict.rawValue); \(decision.reason)")
    return lines
  }

  /// The members of `adaptation.json` beside the front end and the text normalisation.
  package func record(data: AdaptationData) throws -> [(String, JSONValue)] {
    func comparison(_ comparison: Comparison) -> JSONValue {
      [
        "utterances": .integer(comparison.count),
        "utterances_sha256": .string(comparison.utteranceHash),
        "wer": AdaptationReport.json(comparison.wordRates, comparison.words),
        "cer": AdaptationReport.json(comparison.characterRates, comparison.characters),
      ]
    }
    // One object at a time: as a single literal it is too much for the type checker.
    var lineage: JSONObject = [
      "base": .string(request.base), "base_sha256": .string(baseHash),
      "language": request.language.map { .string($0) } ?? .null,
      "keep_layers": request.keptLayers.map { .integer($0) } ?? .null,
      "label_coverage": .number(coverage.share),
    ]
    for (name, path) in [
      ("train", request.train), ("dev", request.dev), ("test", request.test),
      ("retain", request.retain), ("replay", request.replay),
      ("unlabelled", request.unlabelled),
    ] {
      guard let path else { continue }
      lineage[name] = .string(path)
      lineage["\(name)_sha256"] = .string(try SHA256.hash(file: path).hex)
    }
    lineage["train_utterances"] = .integer(data.train.count)
    lineage["train_seconds"] = .number(
      data.train.reduce(0) { $0 + ($1.durationSeconds ?? 0) }.rounded())
    lineage["strategy"] = .string("\(request.strategy)")
    lineage["settings"] = try JSONValue(parsing: try JSONEncoder().encode(request.settings))
    lineage["labels"] = .string(transfer ?? "the base's own")
    lineage["software"] = .string("idiolect \(idiolectVersion)")
    let training: JSONValue = [
      "steps": .integer(training.step), "seconds": .number(training.seconds.rounded()),
      "audio_seconds": .number(training.audioSeconds.rounded()),
      "trainable_parameters": .integer(trainable), "parameters": .integer(parameters),
      "relative_weight_change": .number(weightChange.relative),
      "changed_predictions": .number(target.changedShare),
      "quarantined": .integer(quarantined), "infeasible": .integer(training.infeasible.count),
      "rounds": .array(rounds.map(\.record)),
    ]
    let scores: JSONValue = [
      "target": comparison(target),
      "retained": retained.map(comparison)
        ?? .string("not measured" + (unmeasured.map { ": \($0)" } ?? "")),
      "models": .array(models.map(\.record)),
    ]
    let verdict: JSONValue = [
      "transfer": .string(verdict.rawValue), "compared_with": .string(decision.rival.rawValue),
      "shipped": .string(decision.ships.rawValue),
      "reason": .string(decision.reason),
      "forgetting": decision.forgetting.map {
        [
          "outcome": .string($0.outcome.rawValue), "budget": .number($0.budget),
          "missing": $0.missing?.record ?? .null,
        ]
      } ?? "not measured",
    ]
    var mixture: JSONValue = .null
    if let interpolation {
      mixture = [
        "chosen": .number(interpolation.chosen),
        "dev": .array(
          interpolation.points.map { point in
            [
              "share": .number(point.share),
              "cer": .number(point.target.characterErrorRate),
              "retained_cer": point.retained.map { .number($0.characterErrorRate) } ?? .null,
            ]
          }),
      ]
    }
    return [
      ("lineage", .object(lineage)), ("choice", choice?.record ?? .null), ("training", training),
      ("averaging", averaging?.record ?? .null), ("interpolation", mixture),
      ("scores", scores), ("verdict", verdict),
    ]
  }

  private static func json(
    _ rates: (base: ErrorInterval, adapted: ErrorInterval), _ difference: PairedBootstrap
  ) -> JSONValue {
    func interval(_ rate: Double, _ lower: Double, _ upper: Double) -> JSONValue {
      ["rate": .number(rate), "lower": .number(lower), "upper": .number(upper)]
    }
    return [
      "base": interval(rates.base.rate, rates.base.lower, rates.base.upper),
      "adapted": interval(rates.adapted.rate, rates.adapted.lower, rates.adapted.upper),
      "difference": interval(difference.difference, difference.lower, difference.upper),
      "resampled": .string(difference.unit.rawValue), "units": .integer(difference.units),
    ]
  }
}
