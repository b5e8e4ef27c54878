import Basics

/// The output labels of a network: which string each index stands for, and which index is the blank.
///
/// A label is what a file calls it; two labels that differ only in Unicode form (é in one code point or
/// in two) are two labels. The blank may have any index. An empty string is an index without a label:
/// networks are sometimes wider than their vocabulary.
public struct Vocabulary: Sendable, Hashable {
  /// How texts and labels correspond.
  public enum Layout: String, Sendable, Codable {
    /// `tokenizer.json`: labels are joined as they are, the space being a label like others.
    case fused
    /// `vocab.json` of the wav2vec2 family: a word delimiter, often `|`, stands for the space, and
    /// text begins and ends without one.
    case delimited
    /// `tokenizer.json`: labels are pieces of words, of which those that begin one begin with `▁`.
    case pieces
  }

  /// Index → label. Its count is the width of the network's output.
  public let labels: [String]
  /// The blank's index: `pad_token_id` of the network's `config.json`.
  public let blank: Int
  /// Indices that stand for no text: the blank, `<unk>`, `<s>` and the like.
  public let specials: Set<Int>
  /// The index of the unknown token, where there is one.
  public let unknown: Int?
  /// The label that means a space where that is not the label " " itself.
  public let wordDelimiter: Int?
  public let layout: Layout

  private let trie: LabelTrie
  /// Where labels are pieces of words.
  let pieces: PieceTokenizer?

  public var count: Int { labels.count }

  /// - Parameters:
  ///   - labels: index → label, empty where an index has none.
  ///   - blank: the blank's index; always special.
  ///   - specials: further indices that stand for no text.
  /// - Throws: `IdiolectError` `.invalidModel` for two equal labels or an index out of range.
  public init(
    labels: [String], blank: Int, specials: Set<Int> = [], unknown: Int? = nil,
    wordDelimiter: Int? = nil, layout: Layout = .fused
  ) throws {
    try self.init(
      labels: labels, blank: blank, specials: specials, unknown: unknown,
      wordDelimiter: wordDelimiter, layout: layout, pieces: nil)
  }

  init(
    labels: [String], blank: Int, specials: Set<Int>, unknown: Int?, wordDelimiter: Int?,
    layout: Layout, pieces: PieceTokenizer?
  ) throws {
    precondition((layout == .pieces) == (pieces != nil), "a layout of pieces without them")
    for index in [blank] + specials + [unknown, wordDelimiter].compactMap({ $0 }) {
      guard labels.indices.contains(index) else {
        throw IdiolectError(
          .invalidModel, "a vocabulary of \(labels.count) labels has none with the index \(index)")
      }
    }
    var seen: [[UInt8]: Int] = [:]
    for (index, label) in labels.enumerated() where !label.isEmpty {
      if let other = seen.updateValue(index, forKey: Array(label.utf8)) {
        throw IdiolectError(
          .invalidModel, "the label '\(label)' stands at both \(other) and \(index); keep one")
      }
    }
    if wordDelimiter == blank {
      throw IdiolectError(.invalidModel, "the word delimiter and the blank are both \(blank)")
    }
    self.labels = labels
    self.blank = blank
    // What is unknown may be said to be the blank, so that no label is spent on it.
    self.unknown = unknown == blank ? nil : unknown
    self.specials = specials.union([blank, unknown ?? blank])
    self.wordDelimiter = wordDelimiter
    self.layout = layout
    self.pieces = pieces
    trie = LabelTrie(labels: labels, specials: self.specials, wordDelimiter: wordDelimiter)
  }

  /// A vocabulary of single characters with the blank `<pad>` at the end, as the default network has.
  public init(characters: some Sequence<Unicode.Scalar>) throws {
    let labels = characters.map { String($0) }
    try self.init(labels: labels + [Vocabulary.defaultBlank], blank: labels.count)
  }

  /// What we call the blank. Not `<blank>`: transformers takes that for a transducer's.
  public static let defaultBlank = "<pad>"

  /// The index of exactly this label.
  public func index(of label: String) -> Int? {
    labels.firstIndex { $0.utf8.elementsEqual(label.utf8) }
  }

  /// The indices that stand for text.
  public var textLabels: [Int] {
    labels.indices.filter { !labels[$0].isEmpty && !specials.contains($0) }
  }

  /// What the label at `index` adds to a text: nothing for specials, a space for the delimiter.
  public func text(of index: Int) -> String {
    guard labels.indices.contains(index), !specials.contains(index) else { return "" }
    if index == wordDelimiter { return " " }
    guard let pieces else { return labels[index] }
    if let byte = pieces.bytes[index] { return String(decoding: [byte], as: UTF8.self) }
    return labels[index].replacing("\u{2581}", with: " ")
  }

  public static func == (a: Vocabulary, b: Vocabulary) -> Bool {
    a.count == b.count && zip(a.labels, b.labels).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
      && a.blank == b.blank && a.specials == b.specials && a.unknown == b.unknown
      && a.wordDelimiter == b.wordDelimiter && a.layout == b.layout
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(labels)
    hasher.combine(blank)
  }

  /// Labels of `text`, and what had none.
  public struct Encoding: Sendable, Hashable {
    /// One index a label, blanks not among them.
    public var ids: [Int] = []
    /// Characters that no label covers, in order of appearance, each as often as it stands there.
    public var unknown: [Unicode.Scalar] = []
  }

  /// Encodes by the longest label at each place.
  ///
  /// A character without a label goes into `unknown` and adds no index, so the caller decides whether
  /// the text can be used. Where all labels are of one case, the other case is taken for it.
  ///
  /// Complexity: linear in the text for labels of bounded length.
  public func encode(_ text: String) -> Encoding {
    pieces?.segmenter.encode(text) ?? trie.encode(Array(text.unicodeScalars))
  }

  /// The text of labels that are already collapsed: repeats grouped, blanks out. Specials add nothing.
  ///
  /// What transformers' tokenizer gives with `skip_special_tokens=True`.
  public func decode(_ ids: some Sequence<Int>) -> String {
    if let pieces { return pieces.decode(ids, self) }
    var result = String.UnicodeScalarView()
    for id in ids { result.append(contentsOf: text(of: id).unicodeScalars) }
    guard layout == .delimited else { return String(result) }
    let trimmed = result.drop { $0.properties.isWhitespace }
    let end = trimmed.lastIndex { !$0.properties.isWhitespace }
    return end.map { String(trimmed[...$0]) } ?? ""
  }

  /// The labels of a path of one label a frame: repeats grouped, then blanks removed.
  public func collapse(_ path: some Sequence<Int>) -> [Int] {
    var result: [Int] = []
    var last: Int?
    for id in path {
      if id != last && id != blank { result.append(id) }
      last = id
    }
    return result
  }
}
