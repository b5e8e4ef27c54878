import Basics
import Foundation
import SpeechCorpus
import Testing

@Suite("Manifests")
struct ManifestTests {
  @Test("Every line is an utterance, with what is known about it")
  func reading() throws {
    let folder = try CorpusFolder()
    try folder.wav("a b.wav", [0])
    let path = try folder.manifest([
      "\u{FEFF}"
        + #"{"audio_filepath": "a b.wav", "text": "Mwána\nω", "duration": 1.5, "speaker": "x","#
        + #" "accent": "", "lang": "mdw", "other": [1, {"z": null}]}"# + "\r",
      "",
      #"{"audio_filepath": "\#(folder.path)/a b.wav", "text": "", "offset": 2.5, "speaker": 17}"#,
      #"{"audio_filepath": "a b.wav", "text": "again", "duration": null}"#,
    ])
    let manifest = try Manifest(path: path)
    #expect(manifest.quarantine.isEmpty)
    #expect(manifest.utterances.count == 3)
    let first = manifest.utterances[0]
    #expect(first.id == "a b.wav" && first.audioPath == "\(folder.path)/a b.wav")
    #expect(first.text == "Mwána\nω" && first.durationSeconds == 1.5 && first.line == 1)
    #expect(first.speaker == "x" && first.accent == nil && first.language == "mdw")
    let second = manifest.utterances[1]
    #expect(second.line == 3 && second.offsetSeconds == 2.5 && second.speaker == "17")
    #expect(second.id == "\(folder.path)/a b.wav@2.5")
    #expect(manifest.utterances[2].id == "a b.wav#4")
  }

  /// Foundation's path functions trap at some of these, and take a tilde for the home directory.
  @Test(
    "Manifests may have names of one character",
    arguments: [
      ("a", ""), (".", ""), ("é", ""), ("~", ""), (" ", ""), ("/", "/"), ("/a", "/"), ("", ""),
      ("~/a", "~"), ("b//a", "b/"), ("b/\u{301}a", "b"),
    ])
  func directories(_ path: String, _ directory: String) {
    #expect(FilePath.directory(of: path) == directory)
    #expect(throws: IdiolectError.self) { try Manifest(path: path + "/") }
  }

  @Test("Absolute paths are those of the system, not the shell's")
  func absolutePaths() {
    let here = FileManager.default.currentDirectoryPath
    #expect(FilePath.absolute("~/a") == "\(here)/~/a")
    #expect(FilePath.absolute("./b/../a") == "\(here)/a")
    #expect(FilePath.absolute("/..//a/.") == "/a")
    #expect(FilePath.absolute("") == here)
    #expect(FilePath.join("/", "a") == "/a" && FilePath.join("b", "/a") == "/a")
  }

  @Test("What never ends is no manifest")
  func endless() throws {
    let error = #expect(throws: IdiolectError.self) { try Manifest(path: "/dev/zero") }
    #expect(error?.message.contains("/dev/zero: no manifest") == true)
    let folder = try CorpusFolder()
    let path = try folder.manifest([String](repeating: "y", count: 20_000))
    let wrong = #expect(throws: IdiolectError.self) { try Manifest(path: path) }
    #expect(wrong?.message.contains("none of 10000") == true)
  }

  @Test("A line that cannot be used is quarantined with line, cause and remedy")
  func problems() throws {
    let folder = try CorpusFolder()
    try folder.wav("a.wav", [0])
    let bad: [(String, String)] = [
      (#"{"audio_filepath": "a.wav", "text": "x""#, "not JSON"),
      (#"["a.wav"]"#, "an array, not an object"), (#"{"text": "x"}"#, "audio_filepath is missing"),
      (#"{"audio_filepath": 1, "text": "x"}"#, "audio_filepath is a number"),
      (#"{"audio_filepath": "a.wav"}"#, "text is missing"),
      (#"{"audio_filepath": "a.wav", "text": ["x"]}"#, "text is an array"),
      (#"{"audio_filepath": "b.wav", "text": "x"}"#, "no such file"),
      (#"{"audio_filepath": ".", "text": "x"}"#, "directory"),
      (#"{"audio_filepath": "a\u0000.wav", "text": "x"}"#, "zero byte"),
      (#"{"audio_filepath": "a.wav", "text": "x", "duration": -1}"#, "duration is -1"),
      (#"{"audio_filepath": "a.wav", "text": "x", "duration": "1"}"#, "duration is a string"),
      (#"{"audio_filepath": "a.wav", "text": "x", "offset": -0.5}"#, "offset is -0.5"),
      (#"{"audio_filepath": "a.wav", "text": "x", "offset": 1e999}"#, "not JSON"),
      (#"{"audio_filepath": "a.wav", "text": "x", "offset": Infinity}"#, "offset is inf"),
      (#"{"audio_filepath": "a.wav", "text": "x", "duration": NaN}"#, "duration is nan"),
      (#"{"audio_filepath": "a.wav", "text": "x", "lang": {}}"#, "lang is an object"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": []}"#, "id is an array"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": ""}"#, "id '' is empty"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": "a b"}"#, "white space"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": "a\u2028b"}"#, "white space"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": "a\nb"}"#, "white space"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": "a\u0000b"}"#, "control character"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": "../a"}"#, "no path below"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": "a/./b"}"#, "no path below"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": "a/../\u0301b"}"#, "no path below"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": "/a"}"#, "no path below"),
      (#"{"audio_filepath": "a.wav", "text": "x", "id": "a/"}"#, "no path below"),
      (
        #"{"audio_filepath": "a.wav", "text": "x", "text": "y"}"#,
        "not JSON that can be read: the key 'text' is there twice"
      ),
      (String(repeating: "x", count: 5 << 20), "longer than"),
    ]
    let good = #"{"audio_filepath": "a.wav", "text": "x"}"#
    let path = try folder.manifest(bad.map(\.0) + [good])
    let manifest = try Manifest(path: path)
    #expect(manifest.utterances.map(\.line) == [bad.count + 1])
    #expect(manifest.quarantine.count == bad.count)
    for (index, entry) in manifest.quarantine.entries.enumerated() {
      #expect(entry.line == index + 1 && entry.source == path && !entry.remedy.isEmpty)
      #expect(entry.cause.contains(bad[index].1), "\(entry)")
    }
    let summary = manifest.quarantine.summary(limit: 2)
    #expect(summary.hasPrefix("\(bad.count) left out:\n  \(path):1: not JSON"))
    #expect(summary.hasSuffix("and \(bad.count - 2) more"))
    try manifest.quarantine.write(to: "\(folder.path)/quarantine.jsonl")
    let written = try String(contentsOfFile: "\(folder.path)/quarantine.jsonl", encoding: .utf8)
    #expect(written.split(separator: "\n").count == bad.count)
  }

  @Test("An id names its utterance, and no other")
  func ids() throws {
    let folder = try CorpusFolder()
    let path = try folder.manifest([
      #"{"audio_filepath": "a.wav", "text": "x", "id": "anna/ą-0.1"}"#,
      #"{"audio_filepath": "a.wav", "text": "x", "id": 17, "offset": 2}"#,
      #"{"audio_filepath": "a.wav", "text": "x", "id": "anna/ą-0.1"}"#,
      #"{"audio_filepath": "a.wav", "text": "x", "id": null}"#,
      #"{"audio_filepath": "b.wav", "text": "x", "id": "a.wav"}"#,
      #"{"audio_filepath": "b.wav", "text": "x", "id": "a.wav#7"}"#,
      #"{"audio_filepath": "a.wav", "text": "x"}"#,
    ])
    let manifest = try Manifest(path: path, checksFiles: false)
    #expect(
      manifest.utterances.map(\.id) == ["anna/ą-0.1", "17", "a.wav", "a.wav#7", "a.wav#7#7"])
    #expect(manifest.quarantine.entries.map(\.line) == [3, 5])
    #expect(
      manifest.quarantine.entries.map(\.cause)
        == ["line 1 has this id too", "line 4 has this id too"])
  }

  @Test("What is no manifest is refused in one line")
  func refusals() throws {
    let folder = try CorpusFolder()
    func message(_ path: String) -> String {
      (#expect(throws: IdiolectError.self) { try Manifest(path: path) })?.message ?? ""
    }
    #expect(message("\(folder.path)/none.jsonl").contains("no such file"))
    #expect(message(folder.path).contains("directory"))
    #expect(message(try folder.manifest([])).contains("empty"))
    try folder.wav("a.wav", CorpusFolder.noise(seconds: 1, seed: 1))
    #expect(message("\(folder.path)/a.wav").contains("none of"))
    #expect(!message("\(folder.path)/a.wav").contains("\n"))
  }

  @Test("Transcripts may be absent where they are not needed")
  func unlabelled() throws {
    let folder = try CorpusFolder()
    let path = try folder.manifest([#"{"audio_filepath": "a.wav"}"#])
    let manifest = try Manifest(path: path, requiresText: false, checksFiles: false)
    #expect(manifest.utterances[0].text.isEmpty)
  }

  @Test("What is written reads back")
  func roundTrip() throws {
    let folder = try CorpusFolder()
    let utterances = [
      Utterance(
        id: "s/a.wav", audioPath: "\(folder.path)/s/a.wav", text: "\"ω\"\u{2028}\t\\",
        durationSeconds: 0.1, speaker: "x", accent: "y", language: "z", line: 1),
      Utterance(
        id: "/elsewhere/b.wav@0.25", audioPath: "/elsewhere/b.wav", text: "", offsetSeconds: 0.25,
        line: 2),
      Utterance(id: "c", audioPath: "\(folder.path)/s/a.wav", text: "", line: 3),
    ]
    try Manifest.write(utterances, to: "\(folder.path)/out.jsonl")
    let manifest = try Manifest(path: "\(folder.path)/out.jsonl", checksFiles: false)
    #expect(manifest.utterances == utterances)
    // A name that another has or that none can have is left out, and the path names the utterance.
    let named = ["c", "c", "a b", "s/a.wav"].enumerated().map { index, id in
      Utterance(id: id, audioPath: "\(folder.path)/\(index).wav", text: "", line: index + 1)
    }
    try Manifest.write(named, to: "\(folder.path)/out.jsonl")
    let read = try Manifest(path: "\(folder.path)/out.jsonl", checksFiles: false)
    #expect(read.utterances.map(\.id) == ["c", "1.wav", "2.wav", "s/a.wav"])
    #expect(read.quarantine.isEmpty)
  }
}
