import ArgumentParser
import Basics
import Foundation
import Idiolect

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Makes one model of a base and adapters.",
    discussion: """
      Adapters are what adapt --strategy lora leaves in OUTPUT/adapter (those of --strategy adapter are no sum of weights and cannot be merged); transcribe and evaluate use one beside \
      its base with --adapter. Merged, the result is a model like any other, its weights stored as those of the base; \
      adaptation.json in it names base and adapters. Of several adapters each counts by its share.

      Examples:
        idiolect merge --adapter runs/anna/adapter -o anna
        idiolect merge --adapter a/adapter --adapter b/adapter -o both
      """)

  @OptionGroup var model: ModelOption

  @Option(help: ArgumentHelp("An adapter; may be given several times.", valueName: "directory"))
  var adapter: [String] = []

  @Option(help: "How much each adapter counts, between commas (default: 1 each).")
  var shares: String?

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where the model goes.", valueName: "directory"))
  var output: String

  func run() throws {
    let given = try shares.map { text in
      try text.split(separator: ",").map { part in
        guard let share = Float(part), share.isFinite else {
          throw ValidationError("--shares: '\(part)' is no number")
        }
        return share
      }
    }
    guard !adapter.isEmpty, given?.count ?? adapter.count == adapter.count else {
      throw ValidationError("give at least one --adapter, and as many shares as adapters")
    }
    let base = try model.directory()
    let place = TrainingDirectory(output: output)
    try place.refuse(base: base)
    try adapter.forEach(place.refuse(adapter:))
    guard FilePath.isFolder(place.path) == nil else {
      throw IdiolectError(
        .invalidArgument,
        "\(output): holds an adaptation, whose report would be of another model then; choose another directory"
      )
    }
    try onEngine {
      let whole = try AcousticModel(directory: base, language: model.language)
      try whole.merge(
        try adapter.enumerated().map { index, directory in
          (try AdapterProfile(directory: directory, for: whole), given?[index] ?? 1)
        })
      let store = try WeightStore(directory: base)
      let files = FileManager.default
      let isNew = !files.fileExists(atPath: output)
      do {
        try whole.write(
          to: output, storage: store.losslessStorage,
          record: [("merged", try record(base, store, shares: given))])
      } catch {
        // A directory without weights is no model.
        if isNew { try? files.removeItem(atPath: output) }
        throw error
      }
    }
    try StandardOutput.line("model: \(output)")
  }

  /// What it was made of, for `adaptation.json`.
  private func record(_ base: String, _ store: WeightStore, shares: [Float]?) throws -> JSONValue {
    [
      "base": .string(base), "base_sha256": .string(try store.sha256()),
      "language": model.language.map { .string($0) } ?? .null,
      "adapters": .array(
        try adapter.enumerated().map { index, directory in
          let weights = try WeightStore(file: "\(directory)/adapter_model.safetensors")
          return [
            "adapter": .string(directory), "sha256": .string(try weights.sha256()),
            "share": .number(Double(shares?[index] ?? 1)),
          ]
        }),
      "software": .string("idiolect \(idiolectVersion)"),
    ]
  }
}
