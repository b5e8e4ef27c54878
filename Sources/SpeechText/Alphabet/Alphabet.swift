/// The characters of a corpus, and how often each stands in it.
public struct Alphabet: Sendable, Hashable {
  /// Code point → occurrences.
  public private(set) var counts: [Unicode.Scalar: Int] = [:]

  /// - Parameter texts: reference texts, normalised already.
  public init(texts: some Sequence<String> = [String]()) {
    for text in texts { add(text) }
  }

  public mutating func add(_ text: String) {
    for scalar in text.unicodeScalars { counts[scalar, default: 0] += 1 }
  }

  /// In order of code points, so the same corpus gives the same labels.
  public var characters: [Unicode.Scalar] { counts.keys.sorted() }

  /// Characters that stand in the corpus fewer than `minimum` times, rarest first.
  public func rarer(than minimum: Int) -> [Unicode.Scalar] {
    characters.filter { counts[$0]! < minimum }
      .sorted { (counts[$0]!, $0) < (counts[$1]!, $1) }
  }

  /// Characters that `vocabulary` cannot encode.
  public func outside(_ vocabulary: Vocabulary) -> [Unicode.Scalar] {
    characters.filter { !vocabulary.encode(String($0)).unknown.isEmpty }
  }

  /// The share of the corpus's characters, as often as they stand in it, that `vocabulary` can encode; 1 where
  /// there are none.
  public func coverage(by vocabulary: Vocabulary) -> Double {
    let all = counts.values.reduce(0, +)
    let lacking = outside(vocabulary).reduce(0) { $0 + counts[$1]! }
    return all == 0 ? 1 : 1 - Double(lacking) / Double(all)
  }
}
