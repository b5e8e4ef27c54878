import Foundation

/// How written text becomes reference text: the same in training and in scoring.
///
/// By default: NFC, lower case, one apostrophe (U+0027), punctuation dropped, whitespace folded. Letters
/// of every script stay, with their combining marks (tones, vowel signs), and so do digits.
///
///     TextNormalizer()("“Don’t,” she said — twice.")   // don't she said twice
///
/// Punctuation that parts words (dash, slash, comma) leaves a space; a full stop, brackets and double
/// quotation marks leave nothing (U.S. becomes us). A single quotation mark is an apostrophe inside a
/// word or at an edge of one, unless it closes a quotation that an earlier one opened. The result is a
/// fixed point: normalising it again changes nothing.
public struct TextNormalizer: Sendable, Codable, Hashable {
  /// Canonical composition (NFC).
  public var composes = true
  /// Lower case, without regard to a locale.
  public var lowercases = true
  /// The many apostrophes become U+0027.
  public var unifiesApostrophes = true
  /// Punctuation, symbols, control and format characters go.
  public var dropsPunctuation = true
  /// Runs of whitespace become one space; none at either end.
  public var foldsWhitespace = true
  /// Punctuation that stays all the same, as a model that writes it needs.
  public var keptPunctuation = ""

  public init() {}

  /// A setting that a file does not mention keeps its default.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func setting<T: Decodable>(_ key: CodingKeys, _ standard: T) throws -> T {
      try values.decodeIfPresent(T.self, forKey: key) ?? standard
    }
    composes = try setting(.composes, composes)
    lowercases = try setting(.lowercases, lowercases)
    unifiesApostrophes = try setting(.unifiesApostrophes, unifiesApostrophes)
    dropsPunctuation = try setting(.dropsPunctuation, dropsPunctuation)
    foldsWhitespace = try setting(.foldsWhitespace, foldsWhitespace)
    keptPunctuation = try setting(.keptPunctuation, keptPunctuation)
  }

  /// The reference text of `text`.
  public func callAsFunction(_ text: String) -> String {
    var text = text
    if composes { text = text.precomposedStringWithCanonicalMapping }
    if lowercases { text = text.lowercased() }
    var scalars = Array(text.unicodeScalars)
    if unifiesApostrophes { scalars = scalars.map { Apostrophes.all.contains($0) ? "'" : $0 } }
    if dropsPunctuation {
      scalars = withoutPunctuation(scalars)
      if !keptPunctuation.unicodeScalars.contains("'") { scalars = Apostrophes.resolve(scalars) }
    }
    if foldsWhitespace { scalars = folded(scalars) }
    var result = String.UnicodeScalarView()
    result.append(contentsOf: scalars)
    // Lower case can leave the normal form (İ), and dropping can bring a mark to a new base.
    return composes ? String(result).precomposedStringWithCanonicalMapping : String(result)
  }

  private func withoutPunctuation(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    let kept = Set(keptPunctuation.unicodeScalars)
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(scalars.count)
    // A joiner counts only between letters, so it waits for what follows.
    var joiner: Unicode.Scalar?
    func append(_ scalar: Unicode.Scalar) {
      result.append(scalar)
      joiner = nil
    }
    func appendJoined(_ scalar: Unicode.Scalar) {
      if let joiner { result.append(joiner) }
      append(scalar)
    }
    func afterWord() -> Bool { result.last.map { ScalarRole($0).isWord } ?? false }
    for (index, scalar) in scalars.enumerated() {
      if scalar == "'" || kept.contains(scalar) {
        append(scalar)
        continue
      }
      switch ScalarRole(scalar) {
      case .word: appendJoined(scalar)
      // A mark needs something to stand on; what it stood on may just have been dropped.
      case .mark: if afterWord() { appendJoined(scalar) }
      case .joiner: if afterWord() { joiner = scalar }
      case .space: append(scalar)
      case .separator: if !groupsDigits(scalars, index) { append(" ") }
      case .nothing: break
      }
    }
    return result
  }

  /// Whether the comma at `index` stands inside a number: 1,000.
  private func groupsDigits(_ scalars: [Unicode.Scalar], _ index: Int) -> Bool {
    func isDigit(_ index: Int) -> Bool {
      scalars.indices.contains(index)
        && scalars[index].properties.generalCategory == .decimalNumber
    }
    return scalars[index] == "," && isDigit(index - 1) && isDigit(index + 1)
  }

  private func folded(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(scalars.count)
    for scalar in scalars {
      if scalar.properties.isWhitespace {
        if let last = result.last, last != " " { result.append(" ") }
      } else {
        result.append(scalar)
      }
    }
    if result.last == " " { result.removeLast() }
    return result
  }
}
