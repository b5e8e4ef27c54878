import SpeechText
import Testing

@Suite("Error counts")
struct ErrorCountsTests {
  @Test("Words")
  func words() {
    let counts = ErrorCounts.words(reference: "the cat sat on it", hypothesis: "a the hat sat it")
    #expect(counts.errors == 3)
    #expect(counts.referenceLength == 5)
    #expect(counts.rate == 0.6)
  }

  @Test("Characters are NFC code points, spaces among them")
  func characters() {
    let same = ErrorCounts.characters(reference: "e\u{301} a", hypothesis: "\u{E9} a")
    #expect(same.errors == 0)
    #expect(same.referenceLength == 3)
    let joined = ErrorCounts.characters(reference: "a b", hypothesis: "ab")
    #expect(joined.deletions == 1)
    // m with macron has no composed form: two code points.
    let tone = ErrorCounts.characters(reference: "m\u{304}", hypothesis: "m")
    #expect(tone.referenceLength == 2 && tone.deletions == 1)
  }

  @Test("Empty texts")
  func empty() {
    #expect(ErrorCounts.words(reference: "", hypothesis: " ").rate == 0)
    let madeUp = ErrorCounts.words(reference: " ", hypothesis: "two words")
    #expect(madeUp.insertions == 2 && madeUp.rate == 2)
    #expect(ErrorCounts.words(reference: "two words", hypothesis: "").deletions == 2)
  }

  @Test("Counts add up")
  func sum() {
    let a = ErrorCounts.words(reference: "a b", hypothesis: "a")
    let b = ErrorCounts.words(reference: "c d", hypothesis: "c x y")
    #expect((a + b).errors == a.errors + b.errors)
    #expect((a + b).rate == 0.75)
  }
}
