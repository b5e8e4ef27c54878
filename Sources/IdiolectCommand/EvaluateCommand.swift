import ArgumentParser
import Basics
import Idiolect

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures word and character error rates on a corpus.",
    discussion: """
      A corpus is a manifest: one JSON object a line, with audio_filepath (relative to the manifest) and \
      text, and if known id, duration, offset, speaker, accent and lang. References and transcripts both go \
      through the model's text normalisation. Intervals are 95 % bootstrap intervals, over speakers \
      where five or more are known, else over utterances.

      Utterances that cannot be used are counted and listed, and the exit code stays 0 unless nothing \
      is left.

      With --precision int8 the corpus is heard in the usual precision as well, and what 8 bits change of the \
      error rates and of the logits is printed too.

      Examples:
        idiolect evaluate --data AudioSamples/scottish-test.jsonl
        idiolect evaluate --model runs/mine --data test.jsonl
        idiolect evaluate --data test.jsonl --worst 20
        idiolect evaluate --data test.jsonl --precision int8
        idiolect evaluate --data test.jsonl --format json > result.json
      """)

  @Option(help: ArgumentHelp("The manifest.", valueName: "manifest"))
  var data: String

  @OptionGroup var model: ModelOption

  @Option(
    help: ArgumentHelp(
      "Hear with an adapter of the model, as adapt --strategy lora or adapter leaves it in OUTPUT/adapter.",
      valueName: "directory"))
  var adapter: String?

  @OptionGroup var engine: EngineOptions

  @Option(help: "'text' or 'json', one object with every utterance.")
  var format = OutputFormat.text

  @Option(help: ArgumentHelp("How many of the worst utterances to show.", valueName: "n"))
  var worst = 5

  @Option(help: ArgumentHelp("Seed of the bootstrap.", valueName: "n"))
  var seed: UInt64 = 1

  func validate() throws {
    guard worst >= 0 else { throw ValidationError("--worst \(worst): give 0 or more") }
  }

  func run() throws {
    defer { ProfileReport.print() }
    let (precision, quantises) = try engine.prepareToHear()
    var options = Transcriber.Options()
    options.quantises = quantises
    let manifest = try Manifest(path: data)
    let transcriber = try Transcriber(
      model: try model.open(adapter: adapter), precision: precision, options: options)
    let progress = ProgressBar(
      "evaluating", total: manifest.utterances.count, unit: "utterances")
    defer { progress.finish() }
    let evaluation = try Evaluation(
      manifest.utterances, transcriber: transcriber, source: data, seed: seed
    ) { progress.advance(label: $0) }
    progress.finish()
    var quarantine = manifest.quarantine
    quarantine.add(evaluation.quarantine)
    for entry in quarantine.entries { Failure.say("left out: \(entry)") }
    let report = EvaluationReport(
      evaluation, quarantine: quarantine, model: try model.directory(), data: data,
      precision: quantises ? "int8" : precision.rawValue, worst: worst,
      quantisation: quantises
        ? try QuantisationReport(evaluation, by: transcriber, of: manifest, seed: seed) : nil)
    switch format {
    case .text: for line in report.lines { try StandardOutput.line(line) }
    case .json: try StandardOutput.line(report.json.text(.compact, sortedKeys: false))
    }
  }
}
