import AudioIO
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// `idiolect features` of manifests: what recordings are called, and which stretches of them there are.
struct FeatureManifestTests {
  private let directory: String

  init() throws {
    directory = try Golden.temporaryDirectory()
    try FileManager.default.copyItem(
      atPath: "\(Golden.directory)/features/flite.flac", toPath: "\(directory)/a.flac")
  }

  private func write(_ lines: String..., to name: String = "m.jsonl") throws {
    try AtomicFile.write(lines.joined(separator: "\n"), to: "\(directory)/\(name)")
  }

  private func run(_ options: String, preset: String = "kaldi-mfcc") throws -> Program {
    try Program(
      shell: "cd '\(directory)' && \"$idiolect\" features --preset \(preset) \(options)")
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
  }

  /// An id is the key of an archive, the name of a tensor and of a file; what can be none of them is set aside.
  @Test func idsName() throws {
    try write(
      #"{"audio_filepath": "a.flac", "id": "s1/u-2"}"#,
      #"{"audio_filepath": "a.flac", "offset": 0.1, "id": 7}"#,
      #"{"audio_filepath": "a.flac", "id": "a key"}"#,
      #"{"audio_filepath": "a.flac", "id": "../above"}"#,
      #"{"audio_filepath": "a.flac", "id": "s1/u-2"}"#)
    for output in ["x.ark", "x.safetensors", "x"] {
      let made = try run("m.jsonl -o \(output)")
      #expect(made.status == 65 && made.output.contains("of 2 recordings"), "\(made.errors)")
      #expect(try text("\(output).quarantine.jsonl").split(separator: "\n").count == 3)
    }
    #expect(
      try text("x.scp").split(separator: "\n").map { $0.prefix { $0 != " " } } == ["s1/u-2", "7"])
    #expect(try Set(SafetensorsFile(path: "\(directory)/x.safetensors").names) == ["s1/u-2", "7"])
    for name in ["s1/u-2.npy", "7.npy"] {
      #expect(FileManager.default.fileExists(atPath: "\(directory)/x/\(name)"), "\(name)")
    }
  }

  /// No path leads out of a folder, be its slash one character with an accent.
  @Test func pathsStayBelow() throws {
    try FileManager.default.copyItem(
      atPath: "\(directory)/a.flac", toPath: "\(directory)/\u{301}b.flac")
    try AtomicFile.makeDirectory("\(directory)/in")
    try write("{\"audio_filepath\": \"../\u{301}b.flac\"}", to: "in/m.jsonl")
    let made = try run("in/m.jsonl -o out/deep/")
    #expect(made.status == 0, "\(made.errors)")
    let files = try FileManager.default.subpathsOfDirectory(atPath: "\(directory)/out")
    #expect(files.filter { $0.hasSuffix(".npy") }.allSatisfy { $0.hasPrefix("deep") }, "\(files)")
    #expect(files.contains { $0.hasSuffix(".npy") })
  }

  /// A stretch that its recording does not have is not made shorter, but for what rounding adds.
  @Test(arguments: ["a.wav", "a.opus"]) func stretchesBeyondTheEnd(_ name: String) throws {
    try AudioWriter.write(
      (0..<16_000).map { sin(Float($0) * 0.1) / 2 }, sampleRate: 16_000, to: "\(directory)/\(name)")
    func line(_ offset: Double, _ seconds: Double) -> String {
      "{\"audio_filepath\": \"\(name)\", \"offset\": \(offset), \"duration\": \(seconds)}"
    }
    try write(line(0.25, 0.5), line(0.5, 0.54), line(0.5, 2.2), line(0, 1.1))
    let made = try run("m.jsonl -o x.ark")
    #expect(made.status == 65 && made.output.contains("of 2 recordings"), "\(made.errors)")
    #expect(made.errors.contains("2 recordings left out"))
    let notes = try text("x.ark.quarantine.jsonl").split(separator: "\n")
    #expect(notes.count == 2)
    for (note, excess) in zip(notes, ["1.7", "0.1"]) {
      #expect(note.contains("it ends \(excess)") && note.contains("after the recording"), "\(note)")
      #expect(note.contains("correct its offset or duration"))
    }
  }

  /// What is refused leaves nothing, and leaves alone what another job has so far.
  @Test func refusedCommandsTouchNothing() throws {
    let refused = try run("a.flac a.flac -o x.safetensors")
    #expect(refused.status == 64 && refused.errors.contains("an id of its own in a manifest"))
    #expect(try run("a.flac a.flac -o folder/").status == 64)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["a.flac"])
    let unfinished = Data("what another job has so far".utf8)
    for ending in ["partial", "partial.jsonl"] {
      try AtomicFile.write(unfinished, to: "\(directory)/x.ark.\(ending)")
    }
    #expect(try run("a.flac a.flac -o x.ark").status == 64)
    for ending in ["partial", "partial.jsonl"] {
      let left = FileManager.default.contents(atPath: "\(directory)/x.ark.\(ending)")
      #expect(left == unfinished)
    }
  }

  /// Every number of a line is that of an array, over all the parts that threads write.
  @Test(arguments: ["wav2vec2", "kaldi-fbank"]) func linesHaveEveryNumber(_ preset: String) throws {
    var random = SeededRandom(seed: 3)
    try AudioWriter.write(
      (0..<16_000 * 4).map { _ in random.uniform() - 0.5 }, sampleRate: 16_000,
      to: "\(directory)/b.wav")
    for output in ["x.jsonl", "x.safetensors"] {
      let made = try run("a.flac b.wav -o \(output)", preset: preset)
      #expect(made.status == 0, "\(made.errors)")
    }
    let piped = try run("a.flac b.wav -o -", preset: preset)
    #expect(try piped.output == text("x.jsonl"))
    let file = try SafetensorsFile(path: "\(directory)/x.safetensors")
    for line in try text("x.jsonl").split(separator: "\n") {
      let node = JSONNode(try JSONValue(parsing: Data(line.utf8)), file: "x.jsonl")
      let name = try node["name"].string()
      let (shape, values) = (try file.entry(name).shape, try file.readFloats(name))
      let rows = try #require(node.value?.object?["features"]?.array)
      #expect(rows.count == shape[0] && rows.allSatisfy { $0.array?.count == shape[1] })
      #expect(rows.flatMap { $0.array ?? [] }.map { Float($0.double ?? .nan) } == values)
    }
  }
}
