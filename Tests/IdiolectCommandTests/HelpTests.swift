import Basics
import Testing

/// The program's help and its answers to wrong command lines.
struct HelpTests {
  @Test func helpListsTheCommands() throws {
    let help = try Program("--help")
    #expect(help.status == 0)
    #expect(help.errors.isEmpty)
    for command in ["transcribe", "evaluate", "features", "inspect"] {
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
      ("features", ["<clip>", "--preset", "--output"]),
      ("inspect", ["<path>", "--model"]),
    ]) func helpOfACommandHasExamplesAndOptions(_ command: String, _ options: [String]) throws
  {
    let help = try Program(command, "--help")
    #expect(help.status == 0)
    #expect(help.output.contains("Examples:"))
    #expect(help.output.contains("  idiolect \(command) "))
    for option in options { #expect(help.output.contains(option)) }
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
