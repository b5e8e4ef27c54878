import ArgumentParser
import Basics
import Idiolect

struct TranscribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transcribe",
    abstract: "Writes what is said in recordings.",
    discussion: """
      Recordings may have any length, sample rate and number of channels, in any format libsndfile \
      reads. One recording gives its text; several give a line each, name and text parted by a tab, in \
      the order they were given. With --format json each gives one object on one line, with words, \
      tokens, their times in seconds and their confidences.

      A recording that cannot be used is named on standard error, the others are still transcribed, \
      and the exit code is 65 (or that of the error, for a single recording).

      Examples:
        idiolect transcribe talk.flac
        idiolect transcribe --model runs/mine *.wav > texts.tsv
        idiolect transcribe --format json talk.opus | jq -c '.words[]'
        idiolect transcribe --adapt interview.mp3
        idiolect transcribe --precision float32 --logits logits.npy clip.wav
      """)

  @Argument(help: "Recordings.")
  var files: [String]

  @OptionGroup var model: ModelOption

  @Option(
    help: ArgumentHelp(
      "Hear with an adapter of the model, as adapt --strategy lora or adapter leaves it in OUTPUT/adapter.",
      valueName: "directory"))
  var adapter: String?

  @OptionGroup var engine: EngineOptions

  @Option(help: "'text' or 'json', one object a line.")
  var format = OutputFormat.text

  @Flag(
    inversion: .prefixedNo,
    help: "Begin each line with the recording's name and a tab (default: when there are several).")
  var names: Bool?

  @Option(
    help: ArgumentHelp(
      "Also write the network's raw logits, [frames, labels], of one recording as .npy.",
      valueName: "path"))
  var logits: String?

  @Flag(
    help:
      "Adapt the normalisations to each recording first, without labels, and forget that afterwards. Where the result is not to be trusted, the text is the model's as it is, and standard error says why."
  )
  var adapt = false

  func validate() throws {
    guard logits == nil || files.count == 1 else {
      throw ValidationError("--logits is for one recording, not for \(files.count)")
    }
    guard logits == nil || !adapt else {
      throw ValidationError(
        "--logits are of the model as it is, --adapt gives the text of an adapted one: give one of them"
      )
    }
  }

  func run() throws {
    defer { ProfileReport.print() }
    let (precision, quantises) = try engine.prepareToHear()
    var options = Transcriber.Options()
    options.quantises = quantises
    let transcriber = try Transcriber(
      model: try model.open(adapter: adapter), precision: precision, options: options)
    if let logits { try transcriber.logits(path: files[0]).write(to: logits) }
    let progress =
      files.count > 1
      ? ProgressBar("transcribing", total: files.count, unit: "recordings") : nil
    defer { progress?.finish() }
    var failures: [IdiolectError] = []
    func each(_ body: (Int, Result<Transcript, IdiolectError>) throws -> Void) throws {
      guard adapt else {
        let utterances = files.map { Utterance(id: $0, audioPath: $0, text: "") }
        return try transcriber.transcribe(utterances, body)
      }
      let adapter = try TestTimeAdapter(model: transcriber.model, precision: precision)
      for (index, file) in files.enumerated() {
        do {
          let (transcript, outcome) = try adapter.transcribe(path: file)
          if case .refused(let reason) = outcome { Failure.say("\(file): not adapted: \(reason)") }
          try body(index, .success(transcript))
        } catch let error as IdiolectError {
          try body(index, .failure(error))
        }
      }
    }
    try each { index, result in
      progress?.clear()
      switch result {
      case .success(let transcript): try write(transcript, file: files[index])
      case .failure(let error):
        failures.append(error)
        if files.count > 1 { Failure.say(error.message) }
      }
      progress?.advance(label: files[index])
    }
    progress?.finish()
    guard let first = failures.first else { return }
    if files.count == 1 { throw first }
    throw IdiolectError(
      .invalidData,
      "\(failures.count) of \(files.count) recordings could not be transcribed, the others were")
  }

  private func write(_ transcript: Transcript, file: String) throws {
    switch format {
    case .json:
      try StandardOutput.line(transcript.json(file: file).text(.compact, sortedKeys: false))
    case .text:
      let text = Failure.oneLine(transcript.text)
      try StandardOutput.line(
        names ?? (files.count > 1) ? "\(Failure.oneLine(file))\t\(text)" : text)
    }
  }
}
