import ArgumentParser
import Basics
import Foundation
import Idiolect

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Sets adaptations side by side.",
    discussion: """
      Reads what each adaptation wrote beside its model. Rows are sorted by the CER of the adapted model on the \
      data that judged it. Runs that were judged by other utterances do not compare: where there are such, each is marked \
      with what judged it.

      Examples:
        idiolect compare runs/full runs/lora runs/upper
        idiolect compare runs/* --format json
      """)

  @Argument(help: "Directories that adapt wrote.")
  var runs: [String]

  @Option(help: "'text' or 'json', an object a run.")
  var format = OutputFormat.text

  func validate() throws {
    guard !runs.isEmpty else { throw ValidationError("give at least one run") }
  }

  func run() throws {
    let found = try runs.map(Run.init).sorted { ($0.after, $0.path) < ($1.after, $1.path) }
    switch format {
    case .json:
      for run in found { try StandardOutput.line(run.record.text(.compact, sortedKeys: false)) }
    case .text:
      let judges = Set(found.map(\.judged))
      let rivals = Set(found.map(\.rival))
      let rows = found.map { run in
        [
          run.path, run.strategy, percent(run.before, digits: 2), percent(run.after, digits: 2),
          run.difference, run.retained, run.verdict, run.shipped,
        ] + (judges.count > 1 ? [run.judgeShown] : []) + (rivals == ["base"] ? [] : [run.rival])
      }
      let heads =
        ["run", "strategy", "CER before", "after", "difference", "retained", "verdict", "ships"]
        + (judges.count > 1 ? ["judged by"] : []) + (rivals == ["base"] ? [] : ["compared with"])
      // What the files say of themselves may be anything.
      let shown = rows.map { row in row.map { printable($0) } }
      for line in Figures.table([heads] + shown) { try StandardOutput.line(line) }
    }
  }

  /// What one run wrote of itself.
  private struct Run {
    let path, strategy, verdict, shipped, difference, retained, judge, rival: String
    /// The hash of the utterances that judged, which one manifest's name may stand for several of.
    let judged: String
    let before, after: Double
    let record: JSONValue
    var judgeShown: String { judged == judge ? judge : "\(judge) (\(judged.prefix(8)))" }

    init(_ path: String) throws {
      let file = "\(path)/adaptation.json"
      let node = try JSONNode(path: file)
      guard node["scores"]["target"].value != nil else {
        throw IdiolectError(
          .invalidData, "\(file): has no scores; give directories that idiolect adapt wrote")
      }
      let target = node["scores"]["target"]["cer"]
      func interval(_ node: JSONNode) throws -> String {
        func rate(_ key: String) throws -> String { points(try node[key].double()) }
        return "\(try rate("rate")) [\(try rate("lower")) … \(try rate("upper"))]"
      }
      self.path = path
      strategy = try node["lineage"]["strategy"].string()
      before = try target["base"]["rate"].double()
      after = try target["adapted"]["rate"].double()
      difference = try interval(target["difference"])
      let kept = node["scores"]["retained"]
      retained =
        kept["cer"].value == nil ? "not measured" : try interval(kept["cer"]["difference"])
      verdict = try node["verdict"]["transfer"].string()
      shipped = try node["verdict"]["shipped"].string()
      rival = try node["verdict"]["compared_with"].string(default: "base")
      let lineage = node["lineage"]
      judge =
        try ["test", "dev", "train"].lazy.compactMap { key in
          lineage[key].value == nil ? nil : try lineage[key].string()
        }.first ?? ""
      judged = try node["scores"]["target"]["utterances_sha256"].string(default: judge)
      record = [
        "run": .string(path), "strategy": .string(strategy), "cer_before": .number(before),
        "cer_after": .number(after), "verdict": .string(verdict), "ships": .string(shipped),
        "retained": .string(retained), "judged_by": .string(judge),
        "judged_sha256": .string(judged),
        "compared_with": .string(rival),
      ]
    }
  }
}
