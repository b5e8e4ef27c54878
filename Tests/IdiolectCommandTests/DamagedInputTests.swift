import Foundation
import TestSupport
import Testing

/// Bad input of every kind: one clear line, the documented exit code, and nothing lost.
struct DamagedInputTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func transcribe(_ files: String...) throws -> Program {
    let quoted = files.map { "'\($0)'" }.joined(separator: " ")
    return try Program(
      shell: "\"$idiolect\" transcribe --model '\(place.model)' \(quoted)")
  }

  private func expectOneLine(_ run: Program, _ status: Int32, _ parts: String...) {
    #expect(run.status == status, "\(run.errors)")
    #expect(run.errorLines.count == 1)
    #expect(run.errors.hasPrefix("idiolect: "))
    for part in parts { #expect(run.errors.contains(part), "\(run.errors) lacks \(part)") }
  }

  @Test(
    arguments: [
      ("empty.wav", "empty"), ("half-a-header.wav", "truncated"), ("no-samples.wav", "empty"),
      ("one-sample.wav", "too short"), ("truncated.wav", "truncated"),
      ("length-lies.wav", "too short"), ("text.wav", "not audio"),
      ("not-a-number.wav", "not a finite number"), ("infinite.wav", "not a finite number"),
      ("corrupt.flac", "damaged"), ("truncated.opus", "truncated"),
    ]) func damagedRecordings(_ name: String, _ cause: String) throws
  {
    let path = "AudioSamples/damaged/\(name)"
    expectOneLine(try transcribe(path), 65, "\(path): ", cause)
    let features = try Program("features", path, "--output", "\(place.directory)/x.npy")
    expectOneLine(features, 65, "\(path): ", cause)
    #expect(place.text("x.npy") == nil)
  }

  /// Every sample format but the one of 15 ms, which is shorter than a network can hear.
  @Test func everyFormatIsRead() throws {
    let directory = "\(Golden.repository)/AudioSamples/formats"
    let files = try FileManager.default.contentsOfDirectory(atPath: directory)
      .filter { !$0.hasSuffix(".jsonl") && !$0.hasPrefix("eight-channels") }.sorted()
    try #require(files.count > 10)
    for file in files {
      let run = try transcribe("AudioSamples/formats/\(file)")
      #expect(run.status == 0, "\(run.errors)")
    }
    expectOneLine(
      try transcribe("AudioSamples/formats/eight-channels-192k.wav"), 65, "too short")
  }

  @Test func absentFilesAndDirectories() throws {
    expectOneLine(try transcribe("nowhere.wav"), 66, "nowhere.wav", "no such file")
    expectOneLine(try transcribe(place.directory), 65, "is a directory")
    expectOneLine(try transcribe("a\u{1B}[31m\nb.wav"), 66, "no such file")
  }

  @Test func aBatchGoesOn() throws {
    let run = try transcribe(
      place.clip, "AudioSamples/damaged/empty.wav", "nowhere.wav", place.clip)
    #expect(run.status == 65)
    #expect(run.lines.count == 2)
    #expect(run.errorLines.count == 3)
    #expect(run.errorLines[2].contains("2 of 4"))
  }

  @Test func models() throws {
    func run(_ model: String) throws -> Program {
      try Program("transcribe", "--model", model, place.clip)
    }
    expectOneLine(try run("/nowhere"), 66, "/nowhere", "no such model")
    expectOneLine(try run(place.clip), 65, "a model is a directory")
    expectOneLine(try run(place.directory), 66, "config.json")
    let weights = "\(place.model)/model.safetensors"
    let whole = try #require(FileManager.default.contents(atPath: weights))
    for (bytes, cause) in [
      (Data(repeating: 0xFF, count: 4_096), "header"), (whole.dropLast(4), "beyond the end"),
      (Data(), "0 bytes"),
    ] {
      try bytes.write(to: URL(fileURLWithPath: weights))
      expectOneLine(try run(place.model), 65, weights, cause)
    }
    try whole.write(to: URL(fileURLWithPath: weights))
    let config = try #require(place.text("model/config.json"))
    _ = try place.write(
      config.replacingOccurrences(of: "parakeet_ctc", with: "whisper"), to: "model/config.json")
    expectOneLine(try run(place.model), 69, "config.json", "whisper")
    _ = try place.write("{\"model_type\": ", to: "model/config.json")
    expectOneLine(try run(place.model), 65, "config.json")
  }

  @Test func fullDisks() throws {
    let run = try Program(
      shell: "\"$idiolect\" transcribe --model '\(place.model)' '\(place.clip)' > /dev/full")
    expectOneLine(run, 74, "No space left")
    expectOneLine(
      try Program("features", place.clip, "--output", "\(place.directory)/none/x.npy"), 74,
      "directory does not exist")
    // A limit on file size stands for the disk: the write fails half way.
    let kept = try place.write("what was there", to: "kept.npy")
    let limited = try Program(
      shell: "trap '' XFSZ; ulimit -f 4; \"$idiolect\" features '\(place.clip)' --output '\(kept)'")
    expectOneLine(limited, 74, "kept.npy", "cannot write")
    #expect(place.text("kept.npy") == "what was there")
    #expect(try place.names() == ["0.wav", "1.wav", "kept.npy", "model"])
  }

  /// A device is written to, never replaced.
  @Test func devices() throws {
    let run = try Program("features", place.clip, "--output", "/dev/null")
    #expect(run.status == 0)
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }
}
