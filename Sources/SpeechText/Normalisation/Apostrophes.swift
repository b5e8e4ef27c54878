/// Which marks are apostrophes, and which of those are quotation marks.
enum Apostrophes {
  /// What stands for an apostrophe in the wild: typewriter, typographic, modifier letters (ʼ ʻ ʽ),
  /// accents typed alone, prime, Armenian, saltillo, full width.
  static let all: Set<Unicode.Scalar> = [
    "'", "\u{2019}", "\u{2018}", "\u{201B}", "\u{02BC}", "\u{02BB}", "\u{02BD}", "\u{0060}",
    "\u{00B4}", "\u{2032}", "\u{02B9}", "\u{055A}", "\u{A78C}", "\u{A78B}", "\u{FF07}",
  ]

  /// Drops the apostrophes that belong to no word: alone, doubled, or a pair around a quotation.
  static func resolve(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard scalars.contains("'") else { return scalars }
    var keep = [Bool](repeating: true, count: scalars.count)
    func isWord(_ index: Int) -> Bool {
      scalars.indices.contains(index) && ScalarRole(scalars[index]).isWord
    }
    var opened: [Int] = []
    for index in scalars.indices where scalars[index] == "'" {
      switch (isWord(index - 1), isWord(index + 1)) {
      case (true, true): break
      case (false, true):
        let doubled = index > 0 && scalars[index - 1] == "'"
        if doubled { keep[index] = false } else { opened.append(index) }
      case (true, false):
        let doubled = index + 1 < scalars.count && scalars[index + 1] == "'"
        if doubled {
          keep[index] = false
        } else if let start = opened.popLast() {
          keep[start] = false
          keep[index] = false
        }
      case (false, false): keep[index] = false
      }
    }
    return scalars.indices.filter { keep[$0] }.map { scalars[$0] }
  }
}
