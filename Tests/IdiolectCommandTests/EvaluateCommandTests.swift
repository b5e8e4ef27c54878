import Basics
import Foundation
import TestSupport
import Testing

/// `idiolect evaluate` and `inspect` on manifests, sound and broken.
struct EvaluateCommandTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func evaluate(_ manifest: String, _ options: String...) throws -> Program {
    let all = options.joined(separator: " ")
    return try Program(
      shell: "\"$idiolect\" evaluate --model '\(place.model)' --data '\(manifest)' \(all)")
  }

  private let broken = """
    {"audio_filepath": "0.wav", "text": "one two three", "speaker": "anna"}
    {"audio_filepath": "1.wav"}
    {"audio_filepath": "1.wav", "text": "fo
    {"text": "nothing to hear"}
    {"audio_filepath": "gone.wav", "text": "gone"}
    [1, 2]
    {"audio_filepath": "1.wav", "text": "четыре", "duration": "long"}
    {"audio_filepath": "1.wav", "text": "пять five", "speaker": "bert"}
    """

  @Test func countsAndGoesOn() throws {
    let manifest = try place.write(broken, to: "broken.jsonl")
    let run = try evaluate(manifest)
    #expect(run.status == 0)
    #expect(run.lines[0].hasPrefix("2 utterances (3.00 s), 6 left out"))
    for name in ["WER ", "CER "] {
      let line = try #require(run.lines.first { $0.hasPrefix(name) })
      for part in ["%", "95 %", "substitutions", "insertions", "deletions"] {
        #expect(line.contains(part))
      }
    }
    #expect(run.lines.contains { $0.hasPrefix("worst utterances") })
    #expect(run.lines.contains { $0.hasPrefix("anna") })
    #expect(run.errorLines.count == 6)
    for number in 2...7 {
      #expect(run.errors.contains("broken.jsonl:\(number): "), "line \(number)")
    }
  }

  @Test func jsonAddsUp() throws {
    let manifest = try place.write(broken, to: "broken.jsonl")
    let run = try evaluate(manifest, "--format json")
    let node = JSONNode(try JSONValue(parsing: run.output), file: "output")
    #expect(try node["utterances"].int() == 2)
    #expect(try node["left_out"].array().count == 6)
    let wer = node["wer"]
    let errors = try ["substitutions", "insertions", "deletions"].map { try wer[$0].int() }
      .reduce(0, +)
    #expect(try wer["reference_length"].int() == 5)
    #expect(try wer["rate"].double() == Double(errors) / 5)
    #expect(try wer["lower"].double() <= wer["rate"].double())
    #expect(try wer["upper"].double() >= wer["rate"].double())
    #expect(
      try node["scores"].array().map { try $0["reference"].string() } == [
        "one two three", "пять five",
      ])
    // The same seed gives the same intervals.
    let again = JSONNode(
      try JSONValue(parsing: try evaluate(manifest, "--format json").output), file: "output")
    #expect(again["wer"].value == wer.value)
  }

  @Test func saysWhatEightBitsChange() throws {
    let manifest = try place.write(broken, to: "broken.jsonl")
    let run = try evaluate(manifest, "--precision int8")
    guard run.status != 69 else {
      #expect(run.errors.contains("int8"))
      return
    }
    #expect(run.status == 0)
    #expect(run.lines.contains { $0.hasSuffix("to 8 bits") })
    #expect(run.lines.count { $0.contains("→") && $0.contains("difference") } == 2)
    #expect(run.lines.contains { $0.hasPrefix("logits: ") && $0.hasSuffix("of 2 utterances") })
    let found = JSONNode(
      try JSONValue(parsing: try evaluate(manifest, "--precision int8 --format json").output),
      file: "output")["quantisation"]
    let (median, largest) = (
      try found["logits"]["median"].double(), try found["logits"]["largest"].double()
    )
    #expect(median > 0 && median <= largest && largest < 0.2, "\(median), \(largest)")
    #expect(try found["wer"]["lower"].double() <= found["wer"]["upper"].double())
  }

  @Test(
    arguments: [
      ("", "empty"), ("{\"audio_filepath\": \"gone.wav\", \"text\": \"a\"}", "no such file"),
      ("\u{0}\u{FF}", "not JSON"),
    ]) func nothingIsLeft(_ text: String, _ cause: String) throws
  {
    let run = try evaluate(try place.write(text, to: "bad.jsonl"))
    #expect(run.status == 65)
    #expect(run.errorLines.count == 1)
    #expect(run.errors.contains("bad.jsonl") && run.errors.contains(cause), "\(run.errors)")
  }

  @Test func absentManifest() throws {
    let run = try evaluate("\(place.directory)/none.jsonl")
    #expect(run.status == 66)
    #expect(run.errorLines.count == 1)
  }

  @Test func inspectExplains() throws {
    let model = try Program("inspect", place.model)
    #expect(model.status == 0)
    for part in [
      "FastConformer-CTC", "29 labels", "blank 28", "log-mel", "40 ms", "memory to transcribe",
      "output-layer", "lora:8",
    ] {
      #expect(model.output.contains(part), "\(model.output) lacks \(part)")
    }
    let recording = try Program("inspect", place.clip)
    for part in ["WAV", "16,000 Hz", "1 channel", "1.00 s", "peak"] {
      #expect(recording.output.contains(part), "\(recording.output) lacks \(part)")
    }
    let manifest = try place.write(broken, to: "broken.jsonl")
    let corpus = try Program("inspect", manifest, "--model", place.model)
    #expect(corpus.status == 0)
    #expect(corpus.output.contains("2 utterances"))
    #expect(corpus.output.contains("characters without a label"))
    #expect(corpus.output.contains("gone.wav"))
    #expect(try Program("inspect", "/nowhere").status == 66)
    #expect(try Program("inspect", place.clip, "--model", place.model).status == 64)
  }
}
