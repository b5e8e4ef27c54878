import Foundation
import SpeechText
import TestSupport
import Testing

/// Oracle: transformers 5.23, by `Scripts/golden/tokenizer.py`.
@Suite("Tokenizers and transformers")
struct TransformersParityTests {
  @Test(
    "What transformers writes is read, and encodes and decodes alike",
    arguments: [
      ("parakeet-by-transformers", 9, 3), ("wav2vec2-by-transformers", 11, 0),
      ("mms-by-transformers", 11, 3),
    ])
  func reading(name: String, size: Int, blank: Int) throws {
    let vocabulary = try Vocabulary.read(
      directory: "\(Golden.directory)/text/\(name)", size: size)
    #expect(vocabulary.count == size)
    #expect(vocabulary.blank == blank)
    #expect(vocabulary.unknown.map { vocabulary.labels[$0] } == "<unk>")
    try compare(vocabulary, name)
  }

  @Test(
    "Pieces of words: merges, merges with bytes for the rest, the likeliest",
    arguments: [("merges", 0), ("bytes", 256), ("likeliest", 0)])
  func pieces(kind: String, bytes: Int) throws {
    let name = "pieces-\(kind)-by-transformers"
    let directory = "\(Golden.directory)/text/\(name)"
    let vocabulary = try Vocabulary.read(directory: directory)
    #expect(vocabulary.layout == .pieces && vocabulary.blank == vocabulary.count - 1)
    try compare(vocabulary, name)
    #expect(vocabulary.encode("z\u{4E00}").unknown == (bytes == 0 ? ["z", "\u{4E00}"] : []))

    // What is written is what was read; with more labels, these too.
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    try vocabulary.write(toDirectory: copy)
    let again = try Vocabulary.read(directory: copy)
    #expect(again == vocabulary)
    try compare(again, name)
    let more = try LabelTransfer(
      base: vocabulary, alphabet: Alphabet(texts: ["thé other"]), mode: .extend)
    guard bytes == 0 else {
      #expect(more.vocabulary == vocabulary)
      return
    }
    #expect(more.vocabulary.labels == vocabulary.labels + ["é"])
    #expect(more.vocabulary.encode("thé").ids.last == vocabulary.count)
    try more.vocabulary.write(toDirectory: copy)
    #expect(try Vocabulary.read(directory: copy) == more.vocabulary)
  }

  @Test("Another language of a nested vocabulary has other labels")
  func languages() throws {
    let directory = "\(Golden.directory)/text/mms-by-transformers"
    let english = try Vocabulary.read(directory: directory, language: "eng")
    #expect(english.blank == 0)
    #expect(english.encode("a b").ids == [5, 4, 6])
    #expect(throws: (any Error).self) {
      try Vocabulary.read(directory: directory, language: "deu")
    }
  }

  static let written: [(String, Vocabulary)] = {
    let letters: [Unicode.Scalar] = [
      " ", "'", "a", "e", "é", "\u{301}", "ω", "ન", "્", "\u{200C}", "\"", "\\", "|", "<", "你",
      "😀", "1", "ʼ",
    ]
    let labels = letters.map { String($0) }
    var middle = labels
    middle.insert("<pad>", at: 3)
    return [
      ("parakeet-by-idiolect", try! Vocabulary(characters: letters)),
      (
        "parakeet-unknown-by-idiolect",
        try! Vocabulary(labels: ["<unk>"] + middle + ["ng", "ngg", "n", "g"], blank: 4, unknown: 0)
      ),
      (
        "wav2vec2-by-idiolect",
        try! Vocabulary(
          labels: ["#", "a", "<pad>", "e", "é", "\u{301}", "'", "ન"], blank: 2, wordDelimiter: 0,
          layout: .delimited)
      ),
      (
        "wav2vec2-full-by-idiolect",
        try! Vocabulary(
          labels: ["<pad>", "<s>", "</s>", "<unk>", "|", "a", "e", "é"], blank: 0,
          specials: [1, 2], unknown: 3, wordDelimiter: 4, layout: .delimited)
      ),
    ]
  }()

  /// The script opened exactly these bytes. To renew them, set `IDIOLECT_WRITE_GOLDEN` and run the
  /// script's `check` on the directories.
  @Test("What we write is what transformers was shown to read alike", arguments: 0..<4)
  func writing(index: Int) throws {
    let (name, vocabulary) = Self.written[index]
    let golden = "\(Golden.directory)/text/\(name)"
    if ProcessInfo.processInfo.environment["IDIOLECT_WRITE_GOLDEN"] != nil {
      try FileManager.default.createDirectory(atPath: golden, withIntermediateDirectories: true)
      try vocabulary.write(toDirectory: golden)
    }
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try vocabulary.write(toDirectory: directory)
    let files = try FileManager.default.contentsOfDirectory(atPath: directory)
    #expect(files.count == 2)
    for file in files {
      let actual = FileManager.default.contents(atPath: "\(directory)/\(file)")
      #expect(
        actual == FileManager.default.contents(atPath: "\(golden)/\(file)"), "\(name)/\(file)")
    }
    let again = try Vocabulary.read(directory: directory)
    #expect(
      again.labels.map { $0 == "|" ? "#" : $0 } == vocabulary.labels.map { $0 == "|" ? "#" : $0 })
    #expect(again.blank == vocabulary.blank && again.unknown == vocabulary.unknown)
    #expect(again.specials == vocabulary.specials && again.layout == vocabulary.layout)
    #expect(again.wordDelimiter == vocabulary.wordDelimiter)
    try compare(vocabulary, name)
  }

  private func compare(_ vocabulary: Vocabulary, _ name: String) throws {
    struct Cases: Decodable {
      struct Encode: Decodable {
        let text: String
        let ids: [Int]
      }
      struct Decode: Decodable {
        let path: [Int]
        let text: String
      }
      let encode: [Encode]
      let decode: [Decode]
    }
    let path = "\(Golden.directory)/text/\(name)/cases.json"
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let cases = try JSONDecoder().decode(Cases.self, from: data)
    #expect(cases.encode.count >= 7 && cases.decode.count >= 40)
    for example in cases.encode {
      let encoding = vocabulary.encode(example.text)
      // transformers has a label for what is unknown.
      let known = example.ids.filter { $0 != vocabulary.unknown }
      #expect(encoding.ids == known, "\(name): \(example.text)")
      #expect(encoding.unknown.isEmpty == (known == example.ids))
    }
    for example in cases.decode {
      let text = vocabulary.decode(vocabulary.collapse(example.path))
      #expect(
        Array(text.unicodeScalars) == Array(example.text.unicodeScalars), "\(name): \(example.path)"
      )
    }
  }
}
