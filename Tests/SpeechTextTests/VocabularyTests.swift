import Basics
import SpeechText
import Testing

@Suite("Vocabularies")
struct VocabularyTests {
  @Test("The blank may have any index", arguments: [0, 2, 4])
  func blankAnywhere(blank: Int) throws {
    var labels = ["a", "b", " ", "c"]
    labels.insert("<pad>", at: blank)
    let vocabulary = try Vocabulary(labels: labels, blank: blank)
    let encoding = vocabulary.encode("ab c")
    #expect(encoding.unknown.isEmpty)
    #expect(!encoding.ids.contains(blank))
    #expect(vocabulary.decode(encoding.ids) == "ab c")
    let a = labels.firstIndex(of: "a")!
    let b = labels.firstIndex(of: "b")!
    #expect(vocabulary.collapse([blank, a, a, blank, a, b, b, blank, blank]) == [a, a, b])
  }

  @Test("The longest label wins; what has none is reported")
  func longestMatch() throws {
    let vocabulary = try Vocabulary(
      labels: ["n", "g", "ng", "ng'", "a", "<unk>", "<pad>"], blank: 6, unknown: 5)
    #expect(vocabulary.encode("ngang'xgn?x").ids == [2, 4, 3, 1, 0])
    #expect(vocabulary.encode("ngang'xgn?x").unknown == ["x", "?", "x"])
    #expect(vocabulary.encode("<><>").ids.isEmpty)
    #expect(vocabulary.decode([2, 5, 4, 6, 99, -1]) == "nga")
  }

  @Test("Labels that differ only in Unicode form are two labels")
  func unicodeForms() throws {
    let vocabulary = try Vocabulary(labels: ["\u{E9}", "e", "\u{301}", "<pad>"], blank: 3)
    #expect(vocabulary.encode("\u{E9}e\u{301}").ids == [0, 1, 2])
    #expect(vocabulary.index(of: "\u{E9}") == 0)
    #expect(try Vocabulary(labels: ["\u{E9}", "e\u{301}", "<pad>"], blank: 2).count == 3)
  }

  @Test("A delimiter stands for the space, and capitals are met with lower case")
  func delimited() throws {
    let vocabulary = try Vocabulary(
      labels: ["<pad>", "|", "A", "B", "'"], blank: 0, wordDelimiter: 1, layout: .delimited)
    #expect(vocabulary.encode("ab A'b").ids == [2, 3, 1, 2, 4, 3])
    #expect(vocabulary.decode([1, 2, 1, 1, 3, 1]) == "A  B")
    #expect(vocabulary.decode([1, 1]) == "")
  }

  @Test("Damage is refused with its reason")
  func refusals() {
    for (labels, blank) in [(["a", "a", "<pad>"], 2), (["a"], 1), (["a"], -1), ([], 0)] {
      #expect(throws: IdiolectError.self) { try Vocabulary(labels: labels, blank: blank) }
    }
  }
}
