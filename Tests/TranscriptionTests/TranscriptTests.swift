import CTC
import SpeechText
import Testing
import Transcription

/// Transcripts worked out by hand from labels and frames.
struct TranscriptTests {
  private func label(_ label: Int, _ frames: Range<Int>, _ confidence: Float) -> DecodedLabel {
    DecodedLabel(
      label: label, startFrame: frames.lowerBound, endFrame: frames.upperBound,
      confidence: confidence)
  }

  @Test func wordsTimesAndConfidence() throws {
    let vocabulary = try Vocabulary(characters: " abc".unicodeScalars)
    let transcript = Transcript(
      [
        label(1, 2..<3, 0.5), label(2, 3..<5, 1), label(0, 6..<7, 0.75), label(3, 8..<10, 0.25),
      ], vocabulary: vocabulary, hopSeconds: 0.04, durationSeconds: 0.39)
    #expect(transcript.text == "ab c")
    #expect(transcript.tokens.map(\.text) == ["a", "b", " ", "c"])
    #expect(transcript.words.map(\.text) == ["ab", "c"])
    #expect(transcript.words[0].startSeconds == 2 * 0.04)
    #expect(transcript.words[0].endSeconds == 5 * 0.04)
    #expect(transcript.words[0].confidence == 0.75)
    // The last frame ends after the last sample.
    #expect(transcript.words[1].endSeconds == 0.39)
    #expect(transcript.confidence == 0.625)
  }

  @Test func tokensOfSeveralCharactersAndDelimiters() throws {
    let vocabulary = try Vocabulary(
      labels: ["<pad>", "|", "the", "n a", "me", "<s>"], blank: 0, specials: [5], wordDelimiter: 1,
      layout: .delimited)
    let transcript = Transcript(
      [
        label(1, 0..<1, 1), label(2, 1..<2, 1), label(5, 2..<3, 1), label(1, 3..<4, 1),
        label(3, 4..<5, 1), label(4, 5..<6, 0.5),
      ], vocabulary: vocabulary, hopSeconds: 1, durationSeconds: 10)
    #expect(transcript.text == "the n ame")
    #expect(transcript.words.map(\.text) == ["the", "n", "ame"])
    #expect(transcript.words.map(\.startSeconds) == [1, 4, 4])
    #expect(transcript.words[2].confidence == 0.75)
  }

  @Test func joiningShiftsTimesAndParts() throws {
    let vocabulary = try Vocabulary(characters: " ab".unicodeScalars)
    func window(_ labels: [DecodedLabel]) -> Transcript {
      Transcript(labels, vocabulary: vocabulary, hopSeconds: 0.5, durationSeconds: 4)
    }
    let joined = Transcript(joining: [
      (0, window([label(1, 0..<1, 1), label(0, 1..<2, 1)])), (4, window([])),
      (8, window([label(0, 0..<1, 1), label(2, 2..<3, 0.5)])),
    ])
    #expect(joined.text == "a b")
    #expect(joined.words.map(\.startSeconds) == [0, 9])
    #expect(joined.tokens.map(\.endSeconds) == [0.5, 1, 8.5, 9.5])
    #expect(joined.durationSeconds == 12)
    #expect(joined.confidence == 0.875)
  }

  @Test func silenceIsEmpty() {
    let empty = Transcript(joining: [])
    #expect(empty == Transcript(text: ""))
  }
}
