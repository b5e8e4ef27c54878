import Foundation

/// What separates a hypothesis from its reference, counted in words (WER) or in characters (CER).
///
///     rate = (substitutions + insertions + deletions) / reference length
///
/// Counts add up over utterances; the rate of the sum is the rate of the corpus.
///
///     let wer = ErrorCounts.words(reference: "the cat sat", hypothesis: "the hat").rate   // 2/3
///
/// The total is the least possible, so it is Kaldi's and jiwer's; how it divides into the three kinds
/// may differ where several alignments cost the same.
public struct ErrorCounts: Sendable, Codable, Hashable {
  public var substitutions = 0
  public var insertions = 0
  public var deletions = 0
  public var correct = 0

  public init() {}

  public init(_ alignment: Alignment) {
    for step in alignment.steps {
      switch step {
      case .correct: correct += 1
      case .substitution: substitutions += 1
      case .deletion: deletions += 1
      case .insertion: insertions += 1
      }
    }
  }

  /// Counts over words, parted by whitespace; text is taken in NFC.
  public static func words(reference: String, hypothesis: String) -> ErrorCounts {
    ErrorCounts(
      Alignment(reference: scoredWords(reference), hypothesis: scoredWords(hypothesis)))
  }

  /// Counts over the code points of the NFC text, spaces included.
  public static func characters(reference: String, hypothesis: String) -> ErrorCounts {
    ErrorCounts(
      Alignment(reference: scoredCharacters(reference), hypothesis: scoredCharacters(hypothesis)))
  }

  /// The words that scoring counts.
  public static func scoredWords(_ text: String) -> [String] {
    text.precomposedStringWithCanonicalMapping.unicodeScalars
      .split { $0.properties.isWhitespace }.map { String($0) }
  }

  /// The characters that scoring counts.
  public static func scoredCharacters(_ text: String) -> [Unicode.Scalar] {
    Array(text.precomposedStringWithCanonicalMapping.unicodeScalars)
  }

  public var referenceLength: Int { correct + substitutions + deletions }

  public var errors: Int { substitutions + insertions + deletions }

  /// Errors for each word or character of the reference; 0.25 is 25 %. It may exceed 1.
  ///
  /// An empty reference counts as if it had one, so that what was made up from nothing shows.
  public var rate: Double { Double(errors) / Double(max(referenceLength, 1)) }

  public static func + (a: ErrorCounts, b: ErrorCounts) -> ErrorCounts {
    var sum = ErrorCounts()
    sum.substitutions = a.substitutions + b.substitutions
    sum.insertions = a.insertions + b.insertions
    sum.deletions = a.deletions + b.deletions
    sum.correct = a.correct + b.correct
    return sum
  }

  public static func += (a: inout ErrorCounts, b: ErrorCounts) { a = a + b }
}
