import Adaptation
import Basics
import Testing

/// The program's help and its answers to wrong command lines.
struct HelpTests {
  @Test func helpListsTheCommands() throws {
    let help = try Program("--help")
    #expect(help.status == 0)
    #expect(help.errors.isEmpty)
    for command in ["transcribe", "evaluate", "features", "inspect", "rank", "compare", "merge"] {
      #expect(help.lines.contains { $0.hasPrefix("  \(command) ") })
    }
    for code in ["0 done", "64", "65", "66", "69", "74"] { #expect(help.output.contains(code)) }
    let bare = try Program()
    #expect(bare.output == help.output)
    #expect(bare.status == 0)
  }

  @Test(
    arguments: [
      ("transcribe", ["<files>", "--model", "--precision", "--threads", "--format", "--logits"]),
      ("evaluate", ["--data", "--model", "--worst", "--format", "--seed"]),
      ("features", ["<inputs>", "--preset", "--output"]),
      ("inspect", ["<path>", "--model"]), ("rank", ["--models", "--data"]), ("compare", ["<runs>"]),
    ]) func helpOfACommandHasExamplesAndOptions(_ command: String, _ options: [String]) throws
  {
    let help = try Program(command, "--help")
    #expect(help.status == 0)
    #expect(help.output.contains("Examples:"))
    #expect(help.output.contains("  idiolect \(command) "))
    for option in options { #expect(help.output.contains(option)) }
  }

  /// An example that the help breaks into two lines cannot be copied.
  @Test(arguments: [
    "adapt", "train", "transcribe", "evaluate", "features", "inspect", "rank", "compare",
    "merge",
  ])
  func examplesAreWhole(_ command: String) throws {
    let lines = try Program(command, "--help").output
      .split(separator: "\n", omittingEmptySubsequences: false)
    let examples = lines.drop { $0 != "Examples:" }.dropFirst().prefix { !$0.isEmpty }
    #expect(examples.count >= 2)
    for line in examples { #expect(line.hasPrefix("  idiolect \(command) "), "\(line)") }
  }

  /// The help states what the settings are that nobody gives.
  @Test func defaultsAreStated() throws {
    let (adapt, train) = (TrainingSettings(), ScratchRequest(train: "", output: "").settings)
    let lines = try Program("adapt", "--help").output
    let help = lines.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for part in [
      "over the data (default: \(adapt.epochs))",
      "rate (default: 3e-4 for adapt, 1e-3 for train)",
      "course (default: \(adapt.decay))", "rises (default: \(adapt.warmupShare))",
      "(default: \(Int(adapt.batchSeconds)) for adapt, \(Int(train.batchSeconds)) for train)",
      "update (default: \(adapt.accumulation))", "stops (default: \(adapt.patience);",
    ] {
      #expect(help.contains(part), "\(part)")
    }
    #expect(adapt.learningRate == 3e-4 && train.learningRate == 1e-3)
  }

  @Test(
    arguments: [
      ["sing"], ["transcribe"], ["transcribe", "--loud", "a.wav"], ["evaluate"],
      ["transcribe", "--logits", "x.npy", "a.wav", "b.wav"], ["features", "a.wav"],
      ["transcribe", "--threads", "0", "a.wav"], ["transcribe", "--precision", "fp8", "a.wav"],
      ["transcribe", "--format", "xml", "a.wav"], ["evaluate", "--data", "x", "--worst", "-1"],
      ["features", "AudioSamples/formats/a-law.wav", "--preset", "x", "--output", "/tmp/x.npy"],
    ]) func wrongCommandLines(_ arguments: [String]) throws
  {
    let run = try Program(shell: "\"$idiolect\" " + arguments.joined(separator: " "))
    #expect(run.status == 64, "\(run.errors)")
    #expect(run.output.isEmpty)
    #expect(run.errorLines.count == 1)
    #expect(!run.errors.contains(".;"))
    #expect(run.errors.hasPrefix("idiolect: "))
  }

  @Test func version() throws {
    let run = try Program("--version")
    #expect(run.status == 0)
    #expect(run.output.hasPrefix("idiolect \(idiolectVersion), oneDNN "))
  }

  /// Scripts run it once a file; what it does before its work must be nothing to speak of.
  @Test func startsQuickly() throws {
    let clock = ContinuousClock()
    let fastest = try (0..<5).map { _ in try clock.measure { _ = try Program("--help") } }.min()!
    #expect(fastest < .milliseconds(200))
  }
}
