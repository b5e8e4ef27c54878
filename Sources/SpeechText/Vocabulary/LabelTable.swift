import Basics

/// Collects labels by index from a file that nobody vouches for.
struct LabelTable {
  /// No speech network has more labels; a larger index is damage, and would ask for its memory.
  static let limit = 1 << 20

  let path: String
  let size: Int?
  private var labels: [Int: String] = [:]
  private var indices: [[UInt8]: Int] = [:]

  init(path: String, size: Int?) {
    self.path = path
    self.size = size
  }

  private func refuse(_ why: String) -> IdiolectError {
    IdiolectError(.invalidModel, "\(path): \(why)")
  }

  /// - Parameter again: the entry may repeat one that is there.
  mutating func insert(_ label: String, _ id: JSONValue, again: Bool = false) throws {
    guard let index = id.integer else {
      throw refuse("the index of '\(label)' is \(id.kind), not a whole number")
    }
    let bound = size ?? Self.limit
    guard (0..<min(bound, Self.limit)).contains(index) else {
      throw refuse(
        "'\(label)' has the index \(index), but the network has \(bound) labels from 0")
    }
    guard !label.isEmpty else { throw refuse("the label at \(index) is empty") }
    let key = Array(label.utf8)
    if again, indices[key] == index { return }
    if let other = indices[key] {
      throw refuse("the label '\(label)' stands at both \(other) and \(index)")
    }
    if let other = labels[index] {
      throw refuse("the index \(index) belongs to both '\(other)' and '\(label)'")
    }
    indices[key] = index
    labels[index] = label
  }

  /// - Parameter pieces: `tokenizer.json`, where labels are pieces of words.
  func vocabulary(
    _ names: SpecialNames, blank: Int?, layout: Vocabulary.Layout, pieces: JSONValue? = nil
  ) throws -> Vocabulary {
    func index(_ name: String?) -> Int? { name.flatMap { indices[Array($0.utf8)] } }
    guard !labels.isEmpty else { throw refuse("it has no labels") }
    let count = size ?? labels.keys.reduce(0) { max($0, $1 + 1) }
    // Holes are lawful where the network says how wide it is; otherwise they are a mistake.
    if size == nil, let hole = (0..<count).first(where: { labels[$0] == nil && $0 != blank }) {
      throw refuse("the index \(hole) has no label")
    }
    guard count <= Self.limit else { throw refuse("\(count) labels are too many") }
    guard var blank = blank ?? index(names.pad) ?? index("<pad>") ?? index("[PAD]") else {
      throw refuse("it has no pad token, so the blank is unknown; config.json gives pad_token_id")
    }
    guard (0..<count).contains(blank) else {
      throw refuse("the blank is \(blank), but the labels end at \(count - 1)")
    }
    // What transformers' CTC tokenizer takes for it, whatever config.json says.
    if layout == .delimited, let padding = index(names.pad) { blank = padding }
    var list = (0..<count).map { labels[$0] ?? "" }
    if list[blank].isEmpty, indices[Array(Vocabulary.defaultBlank.utf8)] == nil {
      list[blank] = Vocabulary.defaultBlank
    }
    var delimiter = index(names.delimiter)
    if delimiter == nil && index(" ") == nil && layout != .pieces { delimiter = index("|") }
    var specials = Set(names.special.compactMap { index($0) })
    if let delimiter { specials.remove(delimiter) }
    do {
      return try Vocabulary(
        labels: list, blank: blank, specials: specials, unknown: index(names.unknown),
        wordDelimiter: delimiter, layout: layout,
        pieces: pieces.map {
          try PieceTokenizer(
            $0, labels: list, specials: specials.union([blank, index(names.unknown) ?? blank]))
        })
    } catch let error as IdiolectError {
      throw IdiolectError(error.code, "\(path): \(error.message)")
    }
  }
}
