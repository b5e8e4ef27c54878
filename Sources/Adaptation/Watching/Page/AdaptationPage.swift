import Basics
import Foundation
import SpeechCorpus
import SpeechText
import Transcription

/// What an adaptation did, as one page that needs nothing but a browser: `OUTPUT/report.html`.
struct AdaptationPage {
  let report: AdaptationReport
  let course: [Metric]
  /// The best and the worst changes, so many each.
  private static let examples = 10

  var html: String {
    let verdict = report.verdict
    let colour = verdict == .positive ? "#0b6e4f" : verdict == .negative ? "#b3261e" : "#5f6368"
    return """
      <!doctype html><html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width,initial-scale=1">
      <title>Adaptation: \(HTML.escaped(verdict.rawValue))</title><style>\(AdaptationPage.style)</style></head><body>
      <h1 style="color:\(colour)">\(HTML.escaped(verdict.rawValue.prefix(1).uppercased() + verdict.rawValue.dropFirst()))</h1>
      <p>\(HTML.escaped(report.decision.reason)).</p>
      \(HTML.table(["", report.decision.rival == .base ? "Base" : "From scratch", "Adapted", "Difference, 95 %"], scores))
      \(models)
      <h2>Training</h2><div class="charts">\(charts)</div>
      <h2>By speaker</h2>\(groups { $0.utterance.speaker ?? "unknown" })
      <h2>By length</h2>\(groups(AdaptationPage.length, order: AdaptationPage.lengths))
      <h2>Characters taken for others</h2>\(confusions)
      <h2>What changed most for the better</h2>\(examples(changes.prefix(AdaptationPage.examples).filter { $0.gain > 0 }))
      <h2>What changed most for the worse</h2>\(examples(changes.reversed().prefix(AdaptationPage.examples).filter { $0.gain < 0 }))
      <h2>How</h2>\(HTML.table(["", ""], facts))
      <p class="faint">said, heard before, heard after; <b>another</b> character, <i>one too many</i>, <s>one missing</s>.</p>
      </body></html>
      """
  }

  // MARK: Figures

  private var scores: [[String]] {
    func rows(_ name: String, _ comparison: Comparison) -> [[String]] {
      [
        ("WER", comparison.wordRates, comparison.words),
        ("CER", comparison.characterRates, comparison.characters),
      ].map { unit, rates, difference in
        [
          "\(name), \(unit)", percent(rates.base.rate), percent(rates.adapted.rate),
          "\(points(difference.difference)) [\(points(difference.lower)) … \(points(difference.upper))]",
        ]
      }
    }
    return rows("target", report.target)
      + (report.retained.map { rows("retained", $0) }
        ?? [["retained", "not measured" + (report.unmeasured.map { ": \($0)" } ?? ""), "", ""]])
  }

  /// Every model that there was to choose from, where those are not the two of the comparison.
  private var models: String {
    guard report.hasOtherModels else { return "" }
    func rates(_ evaluation: Evaluation?) -> [String] {
      [evaluation?.words.rate, evaluation?.characters.rate].map { $0.map { percent($0) } ?? "" }
    }
    return "<h2>All models</h2>"
      + HTML.table(
        ["", "target, WER", "CER", "retained, WER", "CER"],
        report.models.map { [$0.kind.rawValue] + rates($0.target) + rates($0.retained) })
  }

  private var charts: String {
    func curve(_ name: String, _ colour: String, _ value: (Metric) -> Double?) -> LineChart.Curve {
      LineChart.Curve(
        name: name, points: course.compactMap { m in value(m).map { (Double(m.step), $0) } },
        colour: colour)
    }
    return [
      LineChart(
        title: "CTC loss per label", xLabel: "updates",
        curves: [curve("loss", "#0b6e99") { $0.loss }]),
      LineChart(
        title: "Error on what chooses, %", xLabel: "updates",
        curves: [
          curve("CER", "#0b6e99") { $0.devCER }, curve("WER", "#c4572b") { $0.devWER },
        ], scale: 100),
      LineChart(
        title: "Learning rate", xLabel: "updates",
        curves: [curve("rate", "#0b6e99") { $0.learningRate }]),
      LineChart(
        title: "Norm of the gradient", xLabel: "updates",
        curves: [curve("norm", "#0b6e99") { $0.gradientNorm }]),
    ].map(\.svg).joined()
  }

  // MARK: Utterances

  private struct Change {
    let base, adapted: Evaluation.Score
    /// Characters heard right that were not.
    var gain: Int { base.characters.errors - adapted.characters.errors }
  }

  private var pairs: [Change] {
    let other = Dictionary(
      report.target.adapted.scores.map { ($0.utterance.id, $0) },
      uniquingKeysWith: { first, _ in first })
    return report.target.base.scores.compactMap { score in
      other[score.utterance.id].map { Change(base: score, adapted: $0) }
    }
  }

  /// Best first.
  private var changes: [Change] {
    pairs.sorted { ($0.gain, $1.base.utterance.id) > ($1.gain, $0.base.utterance.id) }
  }

  private static let lengths = ["below 2 s", "2 to 5 s", "5 to 10 s", "10 s and more"]

  private static func length(_ score: Evaluation.Score) -> String {
    switch score.durationSeconds {
    case ..<2: lengths[0]
    case ..<5: lengths[1]
    case ..<10: lengths[2]
    default: lengths[3]
    }
  }

  /// - Parameter order: of the groups; by name where it has none of them.
  private func groups(_ name: (Evaluation.Score) -> String, order: [String] = []) -> String {
    let parts = Dictionary(grouping: pairs) { name($0.base) }
    func place(_ group: String) -> Int { order.firstIndex(of: group) ?? order.count }
    let rows = parts.sorted { (place($0.key), $0.key) < (place($1.key), $1.key) }.map {
      name, changes -> [String] in
      func rate(_ counts: KeyPath<Change, ErrorCounts>) -> String {
        percent(changes.reduce(ErrorCounts()) { $0 + $1[keyPath: counts] }.rate)
      }
      return [
        name, "\(changes.count)", rate(\.base.characters), rate(\.adapted.characters),
        rate(\.base.words), rate(\.adapted.words),
      ]
    }
    return HTML.table(
      ["", "utterances", "CER before", "CER after", "WER before", "WER after"], rows)
  }

  private var confusions: String {
    func count(_ scores: [Evaluation.Score]) -> [String: Int] {
      var counts: [String: Int] = [:]
      for score in scores {
        let (said, heard) = (Array(score.reference), Array(score.hypothesis))
        for step in Alignment(reference: said, hypothesis: heard).steps {
          func shown(_ character: Character) -> String {
            character == " " ? "space" : String(character)
          }
          switch step {
          case .correct: break
          case .substitution(let a, let b):
            counts["\(shown(said[a])) → \(shown(heard[b]))", default: 0] += 1
          case .deletion(let a): counts["\(shown(said[a])) → nothing", default: 0] += 1
          case .insertion(let b): counts["nothing → \(shown(heard[b]))", default: 0] += 1
          }
        }
      }
      return counts
    }
    let (before, after) = (count(pairs.map(\.base)), count(pairs.map(\.adapted)))
    let keys = Set(before.keys).union(after.keys).sorted {
      (max(before[$0] ?? 0, after[$0] ?? 0), $1) > (max(before[$1] ?? 0, after[$1] ?? 0), $0)
    }
    return HTML.table(
      ["said → heard", "before", "after"],
      keys.prefix(20).map { [$0, "\(before[$0] ?? 0)", "\(after[$0] ?? 0)"] })
  }

  private func examples(_ changes: some Sequence<Change>) -> String {
    let blocks = changes.map { change -> String in
      let utterance = change.base.utterance
      return """
        <div class="example"><div class="faint">\(HTML.escaped(utterance.id)): \(change.base.characters.errors) errors → \(change.adapted.characters.errors)</div>
        \(SpectrogramImage.element(utterance.audioPath, offset: utterance.offsetSeconds, seconds: utterance.durationSeconds))
        <pre>\(HTML.escaped(change.base.reference))
        \(HTML.marked(change.base.hypothesis, against: change.base.reference))
        \(HTML.marked(change.adapted.hypothesis, against: change.base.reference))</pre></div>
        """
    }
    return blocks.isEmpty ? "<p>Nothing.</p>" : blocks.joined(separator: "\n")
  }

  // MARK: Lineage

  private var facts: [[String]] {
    let request = report.request
    var rows = [
      ["base", request.base], ["its weights, SHA-256", report.baseHash],
      ["language", request.language ?? "the weights' own"],
      ["train", request.train ?? "nothing labelled"], ["strategy", "\(request.strategy)"],
      ["parameters trained", "\(report.trainable) of \(report.parameters)"],
      ["labels", report.transfer ?? "the base's own"],
      ["updates", "\(report.training.updates)"],
      ["audio trained on", String(format: "%.1f minutes", report.training.audioSeconds / 60)],
      ["weights moved by", percent(report.weightChange.relative)],
    ]
    for (name, path) in [
      ("dev", request.dev), ("test", request.test), ("retained", request.retain),
      ("replayed", request.replay), ("unlabelled", request.unlabelled),
    ] {
      if let path { rows.append([name, path]) }
    }
    if let choice = report.choice { rows.append(["why this strategy", choice.reason]) }
    if let interpolation = report.interpolation { rows.append(["mixture", interpolation.summary]) }
    if let forgetting = report.decision.forgetting { rows.append(["forgetting", forgetting.line]) }
    return rows
  }

  private static let style = """
    body{font:15px/1.5 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#202124;background:#fff}
    h2{margin-top:2em;font-size:1.15em}table{border-collapse:collapse}th,td{padding:.2em .8em .2em 0;text-align:left;vertical-align:top;border-bottom:1px solid #e4e7eb;overflow-wrap:anywhere}
    .charts{display:flex;flex-wrap:wrap;gap:1em}.charts svg{width:27em;max-width:100%}.title{font-weight:600;font-size:13px}.tick{font-size:11px;fill:#5f6368}.grid{stroke:#e4e7eb}
    .faint{color:#5f6368;font-size:13px}.example{margin:1em 0}.example img{max-width:100%;image-rendering:auto}pre{white-space:pre-wrap;font:14px/1.4 ui-monospace,monospace;margin:.3em 0}
    b{color:#b3261e}i{color:#9a6700;font-style:normal;text-decoration:underline}s{color:#0b6e99;opacity:.7}
    """
}
