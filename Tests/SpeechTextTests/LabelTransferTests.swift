import Basics
import SpeechText
import Testing

@Suite("What new labels inherit")
struct LabelTransferTests {
  typealias Reason = LabelTransfer.Reason

  private func base() throws -> Vocabulary {
    try Vocabulary(
      labels: ["e", "<unk>", " ", "<pad>", "a", "o", "â", "b", "Z", "г", "ñ"], blank: 3, unknown: 1)
  }

  @Test(
    "Each character has one origin",
    arguments: [
      ("e", "e", Reason.same), ("é", "e", .decomposition), ("ấ", "â", .decomposition),
      ("ẹ", "e", .decomposition), ("ɛ", "e", .variant), ("ɔ", "o", .variant), ("ɓ", "b", .variant),
      ("ø", "o", .variant), ("z", "Z", .otherCase), ("É", "e", .decomposition),
      ("ґ", "г", .variant), ("n", "ñ", .variant), (" ", " ", .same), ("ω", "", .new),
      ("\u{301}", "", .new), ("你", "", .new), ("<", "", .new),
    ])
  func origins(character: String, from: String, reason: Reason) throws {
    let base = try base()
    let transfer = try LabelTransfer(
      base: base, alphabet: Alphabet(texts: [character]), mode: .replace)
    let origin = transfer.origins[0]
    #expect(origin.label == character)
    #expect(origin.reason == reason)
    #expect(origin.base.map { base.labels[$0] } ?? "" == from)
  }

  @Test("Replacing keeps the target's characters and the blank only")
  func replace() throws {
    let base = try base()
    let alphabet = Alphabet(texts: ["é a", "ba"])
    let transfer = try LabelTransfer(base: base, alphabet: alphabet, mode: .replace)
    #expect(transfer.vocabulary.labels == [" ", "a", "b", "é", "<pad>"])
    #expect(transfer.vocabulary.blank == 4)
    #expect(transfer.origins.map(\.base) == [2, 4, 7, 0, 3])
    #expect(transfer.dropped == ["e", "o", "â", "Z", "г", "ñ"])
    #expect(transfer.summary.contains("4 labels kept, 1 derived (é), 6 dropped"))
  }

  @Test("Extending leaves the base where it is")
  func extend() throws {
    let base = try base()
    let transfer = try LabelTransfer(
      base: base, alphabet: Alphabet(texts: ["éz", "ω a"]), mode: .extend)
    #expect(transfer.vocabulary.labels == base.labels + ["z", "é", "ω"])
    #expect(transfer.vocabulary.blank == 3)
    #expect(transfer.vocabulary.unknown == 1)
    #expect(transfer.origins.prefix(base.count).enumerated().allSatisfy { $0 == $1.base })
    #expect(transfer.origins.suffix(3).map(\.base) == [8, 0, nil])
    #expect(transfer.dropped.isEmpty)
  }

  @Test("A delimiter stays a delimiter, and capitals serve lower case")
  func delimited() throws {
    let base = try Vocabulary(
      labels: ["[PAD]", "|", "A", "B"], blank: 0, wordDelimiter: 1, layout: .delimited)
    let alphabet = Alphabet(texts: ["ab c"])
    let replaced = try LabelTransfer(base: base, alphabet: alphabet, mode: .replace)
    #expect(replaced.vocabulary.labels == ["|", "a", "b", "c", "[PAD]"])
    #expect(replaced.origins.map(\.base) == [1, 2, 3, nil, 0])
    #expect(replaced.vocabulary.decode(replaced.vocabulary.encode("ab c").ids) == "ab c")
    let extended = try LabelTransfer(base: base, alphabet: alphabet, mode: .extend)
    #expect(extended.vocabulary.labels == base.labels + ["c"])
    #expect(throws: IdiolectError.self) {
      try LabelTransfer(base: base, alphabet: Alphabet(), mode: .extend)
    }
  }

  @Test("Rare and foreign characters")
  func counts() throws {
    let alphabet = Alphabet(texts: ["aaab", "abé"])
    #expect(alphabet.characters == ["a", "b", "é"])
    #expect(alphabet.rarer(than: 3) == ["é", "b"])
    #expect(try alphabet.outside(base()) == ["é"])
  }
}
