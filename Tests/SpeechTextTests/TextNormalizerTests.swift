import Basics
import Foundation
import SpeechText
import Testing

@Suite("Normalising text")
struct TextNormalizerTests {
  @Test(
    "Written text becomes reference text",
    arguments: [
      ("“Don’t,” she said — twice.", "don't she said twice"),
      ("  Minnim nea Kwasi nim,\tnanso\n", "minnim nea kwasi nim nanso"),
      ("Dɛn na wopɛ sɛ wunya?", "dɛn na wopɛ sɛ wunya"),
      ("well-known/left_right…end", "well known left right end"),
      ("U.S. a.m. 3.14 and 1,000", "us am 314 and 1000"),
      ("yes,no", "yes no"),
      ("'hello' 'tis the dogs", "hello 'tis the dogs"),
      ("the dogs' bone", "the dogs' bone"),
      ("rock ‘n’ roll", "rock n roll"),
      ("a ' b '' c ''d''", "a b c d"),
      ("м’ята мʼята м`ята", "м'ята м'ята м'ята"),
      ("e\u{301}tsώ ωngώ", "\u{E9}tsώ ωngώ"),
      ("શૂન્ય એક।", "શૂન્ય એક"),
      ("می\u{200C}خواهم \u{200C}x\u{200D}", "می\u{200C}خواهم x"),
      ("a\u{AD}b \u{FEFF}c\u{200E}", "ab c"),
      ("hi 👍\u{FE0F} you", "hi you"),
      ("\u{301}a", "a"),
      ("m\u{304}\u{301}a", "m\u{304}\u{301}a"),
      ("你好。再见", "你好 再见"),
      ("", ""),
      (" — ", ""),
    ])
  func defaults(written: String, reference: String) {
    let expected = reference.precomposedStringWithCanonicalMapping
    #expect(Array(TextNormalizer()(written).unicodeScalars) == Array(expected.unicodeScalars))
  }

  @Test("The defaults are pinned, and a file may leave settings out")
  func configuration() throws {
    let normalizer = TextNormalizer()
    #expect(normalizer.composes && normalizer.lowercases && normalizer.unifiesApostrophes)
    #expect(normalizer.dropsPunctuation && normalizer.foldsWhitespace)
    #expect(normalizer.keptPunctuation.isEmpty)
    let decoder = JSONDecoder()
    #expect(try decoder.decode(TextNormalizer.self, from: Data("{}".utf8)) == normalizer)
    var cased = normalizer
    cased.lowercases = false
    cased.keptPunctuation = "?."
    let stored = try JSONEncoder().encode(cased)
    #expect(try decoder.decode(TextNormalizer.self, from: stored) == cased)
    #expect(cased("Is it, “Ann”?  Yes.") == "Is it Ann? Yes.")
  }

  @Test("Normalising twice changes nothing, whatever the text", arguments: 0..<8)
  func fixedPoint(seed: Int) {
    var random = SeededRandom(seed: 1, seed)
    let pieces: [Unicode.Scalar] = [
      "a", "B", "é", "\u{301}", "\u{304}", "İ", "ẞ", "'", "’", "`", " ", "\n", ".", ",", "-", "1",
      "\u{200C}", "\u{AD}", "ώ", "ન", "્", "👍", "ﬁ", "\u{344}", "|", "<", "\u{1F88}",
    ]
    for _ in 0..<2_000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<random.integer(below: 15) {
        text.append(pieces[random.integer(below: pieces.count)])
      }
      let once = TextNormalizer()(String(text))
      #expect(
        Array(TextNormalizer()(once).unicodeScalars) == Array(once.unicodeScalars),
        "\(text.map { String($0.value, radix: 16) })")
    }
  }
}
