import Basics

/// Cuts text into pieces of words as `tokenizer.json` says: by merges (byte-pair encoding, Sennrich et al. 2016) or
/// by the likeliest pieces (unigram model, Kudo 2018). A space is written `▁` and begins a word.
struct PieceSegmenter: Sendable {
  static let space: Unicode.Scalar = "\u{2581}"

  enum Model: Sendable {
    /// Two neighbours to what replaces both, the lowest rank first.
    case merges([Pair: (rank: Int, piece: Int)])
    /// Log-likelihood of each piece.
    case likelihoods([Double])
  }

  struct Pair: Hashable, Sendable {
    let left, right: Int
  }

  private let model: Model
  private let pieces: [[Unicode.Scalar]: Int]
  private let longest: Int
  /// The labels of the 256 bytes, where all are there: what has no piece is spelt with them.
  private let bytes: [Int]?
  /// Whether the first word begins with a space too.
  private let prependsSpace: Bool
  /// The one case that all pieces are in.
  private let folds: Case?

  private enum Case { case lower, upper }

  init(
    _ model: Model, labels: [String], specials: Set<Int>, bytes: [Int]?, prependsSpace: Bool
  ) {
    (self.model, self.bytes, self.prependsSpace) = (model, bytes, prependsSpace)
    var (pieces, longest) = ([[Unicode.Scalar]: Int](), 0)
    var cased = (upper: 0, lower: 0)
    let spelt = Set(bytes ?? [])
    for (id, label) in labels.enumerated()
    where !label.isEmpty && !specials.contains(id) && !spelt.contains(id) {
      let scalars = Array(label.unicodeScalars)
      pieces[scalars] = id
      longest = max(longest, scalars.count)
      for scalar in scalars {
        if scalar.properties.isUppercase { cased.upper += 1 }
        if scalar.properties.isLowercase { cased.lower += 1 }
      }
    }
    (self.pieces, self.longest) = (pieces, longest)
    folds =
      switch (cased.upper > 0, cased.lower > 0) {
      case (false, true): .lower
      case (true, false): .upper
      default: nil
      }
  }

  func encode(_ text: String) -> Vocabulary.Encoding {
    let text =
      switch folds {
      case .lower: text.lowercased()
      case .upper: text.uppercased()
      case nil: text
      }
    var encoding = Vocabulary.Encoding()
    for word in words(text) {
      switch model {
      case .merges(let merges): encode(word, merges, into: &encoding)
      case .likelihoods(let scores): encode(word, scores, into: &encoding)
      }
    }
    return encoding
  }

  /// Each with the space before it.
  private func words(_ text: String) -> [[Unicode.Scalar]] {
    var words: [[Unicode.Scalar]] = []
    for scalar in text.unicodeScalars {
      if scalar == " " || scalar == Self.space {
        words.append([Self.space])
      } else if words.isEmpty {
        words.append(prependsSpace ? [Self.space, scalar] : [scalar])
      } else {
        words[words.count - 1].append(scalar)
      }
    }
    return words
  }

  private func spell(_ scalar: Unicode.Scalar, into encoding: inout Vocabulary.Encoding) {
    if let bytes {
      encoding.ids += String(scalar).utf8.map { bytes[Int($0)] }
    } else {
      encoding.unknown.append(scalar)
    }
  }

  private func encode(
    _ word: [Unicode.Scalar], _ merges: [Pair: (rank: Int, piece: Int)],
    into encoding: inout Vocabulary.Encoding
  ) {
    // What has no piece stands between those that have, and no merge reaches over it.
    var parts = word.map { (piece: pieces[[$0]], scalar: $0) }
    while true {
      var best: (rank: Int, piece: Int)?
      for index in 0..<max(0, parts.count - 1) {
        guard let left = parts[index].piece, let right = parts[index + 1].piece,
          let merge = merges[Pair(left: left, right: right)], merge.rank < best?.rank ?? .max
        else { continue }
        best = merge
      }
      guard let best else { break }
      var merged: [(piece: Int?, scalar: Unicode.Scalar)] = []
      merged.reserveCapacity(parts.count)
      var index = 0
      while index < parts.count {
        if index + 1 < parts.count, let left = parts[index].piece,
          let right = parts[index + 1].piece,
          merges[Pair(left: left, right: right)]?.rank == best.rank
        {
          merged.append((best.piece, parts[index].scalar))
          index += 2
        } else {
          merged.append(parts[index])
          index += 1
        }
      }
      parts = merged
    }
    for part in parts {
      if let piece = part.piece {
        encoding.ids.append(piece)
      } else {
        spell(part.scalar, into: &encoding)
      }
    }
  }

  /// The likeliest pieces (Viterbi).
  private func encode(
    _ word: [Unicode.Scalar], _ scores: [Double], into encoding: inout Vocabulary.Encoding
  ) {
    // A character without a piece is less likely than any, so that no piece is passed by.
    let unknown = (scores.filter(\.isFinite).min() ?? 0) - 10
    var best = [(score: Double, from: Int, piece: Int?)](
      repeating: (-.infinity, 0, nil), count: word.count + 1)
    best[0].score = 0
    for start in word.indices {
      for end in start + 1...min(word.count, start + max(1, longest)) {
        let piece = pieces[Array(word[start..<end])]
        guard piece != nil || end == start + 1 else { continue }
        let score = best[start].score + (piece.map { scores[$0] } ?? unknown)
        if score > best[end].score { best[end] = (score, start, piece) }
      }
    }
    var path: [(piece: Int?, scalar: Unicode.Scalar)] = []
    var end = word.count
    while end > 0 {
      path.append((best[end].piece, word[best[end].from]))
      end = best[end].from
    }
    for part in path.reversed() {
      if let piece = part.piece {
        encoding.ids.append(piece)
      } else {
        spell(part.scalar, into: &encoding)
      }
    }
  }
}
