import ArgumentParser
import Basics
import Foundation
import Idiolect

struct RankCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rank",
    abstract: "Tells which base, and how many of its layers, promises most for a target.",
    discussion: """
      The bases that are ranked stay as they are. Frames of the target are labelled once for all of them, by a \
      forced alignment: by the base with the fewest errors, or where none has labels for 95 % of the target's \
      characters, by a copy of the one that has most of them, whose output layer and topmost encoder layer learn \
      them for a minute. Blanks within 60 ms of a label count as it, the others as silence, which is left out. The \
      H-score says how well each layer of each base tells the labels apart: 0 not at all, 1 wholly. A base's own \
      error stands beside it where it can write the target. adapt --keep-layers adapts a base without the layers \
      above those that promise most.

      Examples:
        idiolect rank --models Models/english-small,runs/other --data train.jsonl
        idiolect rank --models Models/english-small --data train.jsonl --format json
        idiolect rank --models mms,runs/other --language swh --data train.jsonl
      """)

  @Option(help: ArgumentHelp("Model directories, between commas.", valueName: "directories"))
  var models: String

  @Option(help: ArgumentHelp("Manifest of the target.", valueName: "manifest"))
  var data: String

  @Option(
    help: ArgumentHelp(
      "The language to hear, of those models that have several (adapter.LANG.safetensors, as MMS).",
      valueName: "code"))
  var language: String?

  @Option(help: "Minutes of it to look at, drawn at random.")
  var minutes = 10.0

  @Option(help: "'text' or 'json'.")
  var format = OutputFormat.text

  @Option(help: "Determines what is drawn.")
  var seed: UInt64 = 1

  @OptionGroup var engine: EngineOptions

  func run() throws {
    let names = try models.split(separator: ",").map { try ModelLookup.path(of: String($0)) }
    guard minutes > 0, !names.isEmpty else {
      throw ValidationError("--models takes at least one directory, --minutes a number above 0")
    }
    let scratch = FileManager.default.temporaryDirectory
      .appendingPathComponent("idiolect-rank-\(ProcessInfo.processInfo.processIdentifier)").path
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    var request = RankingRequest(models: names, data: data, scratch: scratch)
    request.language = language
    request.minutes = minutes
    request.seed = seed
    request.precision = try engine.prepare()
    let ranking = try RankingRun(request) { Failure.say($0) }.run()
    switch format {
    case .text: for line in lines(ranking) { try StandardOutput.line(line) }
    case .json: try StandardOutput.line(json(ranking).text(.compact, sortedKeys: false))
    }
  }

  private func lines(_ ranking: Ranking) -> [String] {
    func figure(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "-" }
    var lines = Figures.table(
      [["base", "layers", "H-score", "standard error"]]
        + ranking.candidates.map {
          [$0.base, "\($0.layers) of \($0.allLayers)", figure($0.score), figure($0.error)]
        })
    lines.append("")
    lines += Figures.table(
      [["base", "characters it has", "CER untouched"]]
        + ranking.bases.map {
          [
            $0.path, percent($0.overlap, digits: 2),
            $0.characterErrorRate.map { percent($0, digits: 2) } ?? "lacks labels",
          ]
        })
    lines.append("")
    let sure =
      switch ranking.lead {
      case let lead? where lead >= 2:
        "the first is ahead of the second by \(String(format: "%.1f", lead)) standard errors"
      case let lead?:
        "the first two are \(String(format: "%.1f", lead)) standard errors apart: take either"
      case nil: "too little data to say how sure this is"
      }
    lines.append(
      "blanks within \(Figures.milliseconds(ranking.reachSeconds)) of a label count as it, others are left out as silence"
    )
    lines.append(
      "\(Figures.count(ranking.frames)) frames of \(ranking.utterances) utterances and \(ranking.labels) labels, aligned by \(ranking.aligner); \(String(format: "%.0f", ranking.seconds)) s; \(sure)"
    )
    return lines
  }

  private func json(_ ranking: Ranking) -> JSONValue {
    func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    return [
      "candidates": .array(
        ranking.candidates.map {
          [
            "base": .string($0.base), "layers": .integer($0.layers),
            "of": .integer($0.allLayers), "h_score": number($0.score),
            "standard_error": number($0.error),
          ]
        }),
      "bases": .array(
        ranking.bases.map {
          [
            "base": .string($0.path), "overlap": .number($0.overlap),
            "cer": number($0.characterErrorRate),
          ]
        }),
      "utterances": .integer(ranking.utterances), "frames": .integer(ranking.frames),
      "labels": .integer(ranking.labels), "aligner": .string(ranking.aligner),
      "blank_reach_seconds": .number(ranking.reachSeconds),
      "seconds": .rounded(ranking.seconds, digits: 1), "lead": number(ranking.lead),
    ]
  }
}
