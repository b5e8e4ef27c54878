import ArgumentParser
import Basics
import CKernels
import Foundation
import Idiolect

/// Options of every command that runs a network.
struct EngineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What matrix products compute in: auto, float32 or bfloat16. 'auto' is bfloat16 where the processor multiplies it in hardware. transcribe and evaluate take int8 too: linear layers in 8 bits.",
      valueName: "type"))
  var precision = "auto"

  @Option(help: ArgumentHelp("Threads to use (default: all cores).", valueName: "n"))
  var threads: Int?

  @Flag(help: "Print on standard error where the time went, by operation.")
  var profile = false

  /// Sets the threads, and says what to compute in.
  func prepare() throws -> Precision {
    try EngineOptions.setThreads(threads)
    if profile { try Profile.start() }
    return try Precision(option: precision)
  }

  /// The same for what only hears, which may do so in 8 bits.
  func prepareToHear() throws -> (precision: Precision, quantises: Bool) {
    guard ["auto", "float32", "bfloat16", "int8"].contains(precision) else {
      throw IdiolectError(
        .invalidArgument, "precision '\(precision)': use auto, float32, bfloat16 or int8")
    }
    guard precision == "int8" else { return (try prepare(), false) }
    guard ck_has_int8() else {
      throw IdiolectError(
        .unsupported,
        "int8: this processor does not multiply it in hardware; use --precision auto")
    }
    var other = self
    other.precision = "auto"
    return (try other.prepare(), true)
  }
}

extension EngineOptions {
  /// - Parameter threads: nil for all cores.
  static func setThreads(_ threads: Int?) throws {
    guard let threads else { return }
    guard (1...1024).contains(threads) else {
      throw IdiolectError(.invalidArgument, "--threads \(threads): give a number from 1 to 1024")
    }
    // Threads are counted for each calling thread, so the engine's own must say it.
    try onEngine { ck_set_threads(Int32(threads)) }
  }
}

/// `--model`, with its default.
struct ModelOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model: a directory in the Hugging Face layout or of a DeepSpeech checkpoint, a .nemo archive, a name under Models, or OWNER/NAME that 'idiolect pull' fetched (default: $IDIOLECT_MODEL, else english-small).",
      valueName: "model"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "The language to hear, of a model that has several (adapter.LANG.safetensors, as MMS).",
      valueName: "code"))
  var language: String?

  /// The model that was given, or the default one; see `ModelLookup`.
  ///
  /// - Throws: `.notFound` where there is none.
  func directory() throws -> String {
    if let model { return try ModelLookup.path(of: model) }
    if let named = ProcessInfo.processInfo.environment["IDIOLECT_MODEL"], !named.isEmpty {
      return try ModelLookup.path(of: named)
    }
    return try ModelLookup.standard()
  }

  /// - Parameter adapter: directory of a profile to hear with; nil for the model alone.
  func open(adapter: String? = nil) throws -> AcousticModel {
    let directory = try directory()
    return try onEngine {
      let model = try AcousticModel(directory: directory, language: language)
      if let adapter { model.use(try AdapterProfile(directory: adapter, for: model)) }
      return model
    }
  }
}

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}
