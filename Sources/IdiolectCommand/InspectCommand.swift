import ArgumentParser
import Basics
import Foundation
import Idiolect

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Explains a model, a recording or a corpus.",
    discussion: """
      A directory, a .nemo archive, a name under Models and OWNER/NAME of a model that was pulled are taken for a \
      model, a file that begins with '{' for a manifest, any other for a recording. A manifest is checked as before training: every recording is decoded and every text \
      looked at, and what cannot be used is named. With --model its texts and durations are checked \
      against that network too: characters without a label, and texts too long for their time.

      Examples:
        idiolect inspect english-small
        idiolect inspect talk.flac
        idiolect inspect train.jsonl --model Models/english-small
      """)

  @Argument(help: "A model, a recording or a manifest.")
  var path: String

  @Option(
    help: ArgumentHelp("For a manifest: the model it is meant for.", valueName: "model"))
  var model: String?

  @Option(
    help: ArgumentHelp("The language of a model that has several, as MMS.", valueName: "code"))
  var language: String?

  func run() throws {
    // What is no path may be a model's name.
    let path =
      FilePath.isFolder(path) == nil ? (try? ModelLookup.path(of: path)) ?? path : path
    let isFolder = FilePath.isFolder(path)
    let isModel = isFolder == true || isFolder == false && path.hasSuffix(".nemo")
    let isManifest = isFolder == false && !isModel && beginsLikeManifest()
    if model != nil && !isManifest {
      throw IdiolectError(
        .invalidArgument, "\(path): --model goes with a manifest, and this is none")
    }
    let lines =
      if isModel {
        try ModelReport.lines(
          try onEngine { try AcousticModel(directory: path, language: language) })
      } else if isManifest {
        try manifestLines()
      } else {
        try RecordingReport.lines(path)
      }
    for line in lines { try StandardOutput.line(line) }
  }

  private func beginsLikeManifest() -> Bool {
    if path.hasSuffix(".jsonl") || path.hasSuffix(".json") { return true }
    // To open a pipe would wait for its writer.
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      let file = FileHandle(forReadingAtPath: path)
    else { return false }
    defer { try? file.close() }
    let start = (try? file.read(upToCount: 64)) ?? Data()
    return start.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "{")
  }

  private func manifestLines() throws -> [String] {
    let manifest = try Manifest(path: path)
    let network = try model.map { name in
      let directory = try ModelLookup.path(of: name)
      return try onEngine { try AcousticModel(directory: directory, language: language) }
    }
    let progress = ProgressBar("checking", total: manifest.utterances.count, unit: "utterances")
    defer { progress.finish() }
    var options = PreflightOptions()
    if let network { options.sampleRate = network.frontEnd.sampleRate }
    var done = 0
    let preflight = Preflight(
      manifest.utterances, normalizer: network?.normalizer ?? TextNormalizer(),
      vocabulary: network?.vocabulary, options: options, source: path,
      outputFrames: network.map { network in { network.outputFrames(samples: $0) } },
      progress: {
        progress.advance(by: $0 - done)
        done = $0
      })
    progress.finish()
    var lines = preflight.report.description.split(separator: "\n").map(String.init)
    if !manifest.quarantine.isEmpty {
      lines += manifest.quarantine.summary().split(separator: "\n").map(String.init)
    }
    return lines
  }
}
