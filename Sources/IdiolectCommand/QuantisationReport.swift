import Basics
import Foundation
import Idiolect

/// What hearing in 8 bits changes: error rates beside those of the usual precision on the same utterances, and logits.
struct QuantisationReport {
  private let comparison: Comparison
  private let usual: Precision
  /// Of each utterance, the largest difference over the largest magnitude, in rising order.
  private let differences: [Double]

  /// - Parameter quantised: what `transcriber` made of the utterances.
  init(
    _ quantised: Evaluation, by transcriber: Transcriber, of manifest: Manifest, seed: UInt64
  ) throws {
    var options = transcriber.options
    options.quantises = false
    let exact = try Transcriber(
      model: transcriber.model, precision: transcriber.precision, options: options)
    usual = transcriber.precision
    let progress = ProgressBar(
      "beside \(usual)", total: manifest.utterances.count, unit: "utterances")
    defer { progress.finish() }
    let evaluation = try Evaluation(manifest.utterances, transcriber: exact, seed: seed) {
      progress.advance(label: $0)
    }
    comparison = try Comparison(base: evaluation, adapted: quantised, seed: seed)
    // Enough to tell; longer ones do not go through the network in one piece.
    let short = quantised.scores.filter { $0.durationSeconds <= options.windowSeconds }
    differences = try short.prefix(100).map { score in
      let (theirs, ours) = (
        try exact.logits(of: score.utterance).values,
        try transcriber.logits(of: score.utterance).values
      )
      let largest = theirs.reduce(0) { max($0, abs($1)) }
      let worst = zip(theirs, ours).reduce(0) { max($0, abs($1.0 - $1.1)) }
      return largest > 0 ? Double(worst / largest) : 0
    }.sorted()
  }

  private var middle: Double { differences[differences.count / 2] }

  var lines: [String] {
    var lines = ["", "from \(usual) to 8 bits"] + comparison.lines
    if let worst = differences.last {
      lines.append(
        "logits: worst element off by \(percent(worst)) of the largest, in the middle utterance by "
          + "\(percent(middle)), of \(Figures.count(differences.count, "utterance"))")
    }
    return lines
  }

  /// Rates and their differences are fractions.
  var json: JSONValue {
    func change(_ base: ErrorInterval, _ difference: PairedBootstrap) -> JSONValue {
      .object(
        JSONObject([
          ("rate", .number(base.rate)), ("difference", .number(difference.difference)),
          ("lower", .number(difference.lower)), ("upper", .number(difference.upper)),
        ]))
    }
    return .object(
      JSONObject([
        ("precision", .string(usual.rawValue)),
        ("wer", change(comparison.wordRates.base, comparison.words)),
        ("cer", change(comparison.characterRates.base, comparison.characters)),
        (
          "logits",
          differences.last.map {
            .object(
              JSONObject([
                ("utterances", .integer(differences.count)), ("largest", .number($0)),
                ("median", .number(middle)),
              ]))
          } ?? .null
        ),
      ]))
  }
}
