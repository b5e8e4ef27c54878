import Basics
import Foundation
import SpeechText
import TestSupport
import Testing

@Suite("Vocabularies that nobody vouches for")
struct HostileVocabularyTests {
  private func read(_ file: String, _ content: String, blank: Int? = nil, size: Int? = nil) throws
    -> Vocabulary
  {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try AtomicFile.write(content, to: "\(directory)/\(file)")
    return try Vocabulary.read(directory: directory, blank: blank, size: size)
  }

  @Test(
    "vocab.json is refused with its reason",
    arguments: [
      ("", "too early"), ("[1]", "an array"), ("{}", "no labels"),
      (#"{"a": 0, "b": 0}"#, "both 'a' and 'b'"), (#"{"a": 0, "a": 1}"#, "'a' is there twice"),
      (#"{"a": -1}"#, "index -1"), (#"{"a": 1e300}"#, "not a whole number"),
      (#"{"a": 9}"#, "the network has 4 labels"), (#"{"a": 0.5}"#, "not a whole number"),
      (#"{"a": "0"}"#, "a string"), (#"{"": 0}"#, "empty"), (#"{"a": 0, "b": 1}"#, "no pad token"),
      (#"{"eng": {"a": 0}, "fra": {}}"#, "2 languages"), (#"{"a": 0} x"#, "follows the end"),
      (#"{"\ud800": 0}"#, "surrogate"), (#"{"a": {"b": 1}, "c": 1}"#, "an object"),
      (String(repeating: "[", count: 100_000), "nested"),
    ])
  func vocabularies(content: String, reason: String) {
    let error = #expect(throws: IdiolectError.self) {
      try read("vocab.json", content, size: 4)
    }
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "no error")")
    #expect(error?.message.contains("vocab.json") == true)
  }

  @Test(
    "tokenizer.json is refused with its reason",
    arguments: [
      (#"{"model": {"type": "WordPiece", "vocab": {}}}"#, "type WordPiece"), ("{}", "type none"),
      (#"{"model": {"type": "BPE", "vocab": []}}"#, "model.vocab"),
      (
        #"{"model": {"type": "BPE", "vocab": {"<pad>": 0, "a": 1}, "merges": ["a b"]}}"#,
        "names 'b', which is no label"
      ),
      (
        #"{"model": {"type": "BPE", "vocab": {"<pad>": 0, "a": 1}, "merges": [["a"]]}}"#,
        "model.merges[0]"
      ),
      (#"{"model": {"type": "BPE", "vocab": {"<pad>": 0, "a": 1}}}"#, "Metaspace"),
      (#"{"model": {"type": "Unigram", "vocab": [["<pad>", 0], ["a"]]}}"#, "no likelihood"),
      (#"{"model": {"type": "Unigram", "vocab": [["<pad>", 0], [1, 2]]}}"#, "has no label"),
      (#"{"model": {"type": "WordLevel", "vocab": []}}"#, "model.vocab"),
      (#"{"model": {"type": "WordLevel", "vocab": {"<pad>": 1152921504606846976}}}"#, "labels"),
      (#"{"model": {"type": "WordLevel", "vocab": {"<pad>": 0, "a": 2}}}"#, "index 1 has no label"),
      (
        #"{"added_tokens": [{"id": 0}], "model": {"type": "WordLevel", "vocab": {"<pad>": 0}}}"#,
        "lacks its id"
      ),
      (
        #"{"added_tokens": [{"id": 0, "content": "x"}],"#
          + #" "model": {"type": "WordLevel", "vocab": {"<pad>": 0}}}"#, "both '<pad>' and 'x'"
      ),
    ])
  func tokenizers(content: String, reason: String) {
    let error = #expect(throws: IdiolectError.self) { try read("tokenizer.json", content) }
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "no error")")
  }

  @Test("A blank beyond the labels is refused; a network wider than its vocabulary is not")
  func widths() throws {
    let content = #"{"<pad>": 0, "a": 1, "|": 2}"#
    #expect(throws: IdiolectError.self) { try read("vocab.json", content, blank: 3) }
    #expect(throws: IdiolectError.self) { try read("vocab.json", content, blank: -1) }
    let wide = try read("vocab.json", content, size: 5)
    #expect(wide.count == 5)
    #expect(wide.decode([1, 4, 2, 3, 1]) == "a a")
    #expect(try read("vocab.json", content, blank: 4, size: 5).labels[4].isEmpty)
  }

  @Test("Any damage to a good file either reads or is refused")
  func mutations() throws {
    let path = "\(Golden.directory)/text/parakeet-by-idiolect/tokenizer.json"
    let good = try #require(FileManager.default.contents(atPath: path))
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var random = SeededRandom(seed: 5)
    for _ in 0..<400 {
      var bytes = [UInt8](good)
      for _ in 0...random.integer(below: 3) {
        bytes[random.integer(below: bytes.count)] = UInt8(random.integer(below: 256))
      }
      if random.integer(below: 4) == 0 { bytes.removeLast(random.integer(below: bytes.count)) }
      try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/tokenizer.json"))
      do {
        let vocabulary = try Vocabulary.read(directory: directory)
        #expect(vocabulary.labels.indices.contains(vocabulary.blank))
      } catch {
        #expect(error is IdiolectError)
      }
    }
  }

  @Test("A label that transformers would misread is not written")
  func transducer() throws {
    let vocabulary = try Vocabulary(labels: ["<blank>", "a", "<pad>"], blank: 2)
    #expect(throws: IdiolectError.self) {
      try vocabulary.write(toDirectory: try Golden.temporaryDirectory())
    }
  }

  @Test("Two labels are not written under one name")
  func namelessBlank() throws {
    let vocabulary = try Vocabulary(labels: ["", "a", "<pad>"], blank: 0)
    #expect(throws: IdiolectError.self) {
      try vocabulary.write(toDirectory: try Golden.temporaryDirectory())
    }
  }
}
