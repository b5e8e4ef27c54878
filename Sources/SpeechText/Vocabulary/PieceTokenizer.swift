import Basics

/// A `tokenizer.json` whose labels are pieces of words: how it cuts, and how it is written again.
struct PieceTokenizer: Sendable {
  let segmenter: PieceSegmenter
  /// The byte that a label stands for.
  let bytes: [Int: UInt8]
  /// As it was read; labels that came later are added when it is written.
  private let file: JSONValue

  /// - Parameters:
  ///   - file: of the type BPE or Unigram.
  ///   - labels: index → label.
  /// - Throws: `.invalidModel` or `.unsupported`, which do not name the file.
  init(_ file: JSONValue, labels: [String], specials: Set<Int>) throws {
    self.file = file
    func refuse(_ why: String) -> IdiolectError { IdiolectError(.invalidModel, why) }
    let model = file["model"]
    var indices: [[UInt8]: Int] = [:]
    for (index, label) in labels.enumerated() where !label.isEmpty {
      indices[Array(label.utf8)] = index
    }
    func index(_ label: Substring) throws -> Int {
      guard let found = indices[Array(label.utf8)] else {
        throw refuse("model.merges names '\(label)', which is no label")
      }
      return found
    }
    let kind: PieceSegmenter.Model
    if model?["type"]?.string == "BPE" {
      var merges: [PieceSegmenter.Pair: (rank: Int, piece: Int)] = [:]
      for (rank, merge) in (model?["merges"]?.array ?? []).enumerated() {
        // "a b" in older files, ["a", "b"] in today's.
        let parts =
          merge.string.map { $0.split(separator: " ", omittingEmptySubsequences: false) }
          ?? merge.array.map { $0.compactMap { $0.string.map { $0[...] } } } ?? []
        guard parts.count == 2 else { throw refuse("model.merges[\(rank)] is no pair of pieces") }
        let pair = PieceSegmenter.Pair(left: try index(parts[0]), right: try index(parts[1]))
        merges[pair] = (rank, try index(parts[0] + parts[1]))
      }
      kind = .merges(merges)
    } else {
      let scores = try (model?["vocab"]?.array ?? []).enumerated().map { index, entry in
        guard let score = entry[1]?.double, score.isFinite else {
          throw refuse("model.vocab[\(index)] has no likelihood")
        }
        return score
      }
      // Labels that came later are as unlikely as any.
      let later = repeatElement(scores.min() ?? 0, count: max(0, labels.count - scores.count))
      kind = .likelihoods(scores + later)
    }
    try PieceTokenizer.refuseOthers(file)
    let spelt = (0..<256).compactMap { byte -> Int? in
      let digits = String(byte, radix: 16, uppercase: true)
      return indices[Array("<0x\(byte < 16 ? "0" : "")\(digits)>".utf8)]
    }
    let fallsBack = model?["byte_fallback"]?.bool == true && spelt.count == 256
    bytes =
      fallsBack
      ? Dictionary(uniqueKeysWithValues: spelt.enumerated().map { ($1, UInt8($0)) }) : [:]
    segmenter = PieceSegmenter(
      kind, labels: labels, specials: specials, bytes: fallsBack ? spelt : nil,
      prependsSpace: PieceTokenizer.metaspace(file)?["prepend_scheme"]?.string ?? "always"
        != "never")
  }

  /// With labels that came later, characters by themselves.
  func extended(to labels: [String], _ specials: Set<Int>) throws -> PieceTokenizer {
    try PieceTokenizer(file, labels: labels, specials: specials)
  }

  /// The part that writes spaces as `▁`.
  private static func metaspace(_ file: JSONValue) -> JSONValue? {
    let cut = file["pre_tokenizer"]
    let parts = cut?["pretokenizers"]?.array ?? [cut].compactMap { $0 }
    return parts.first { $0["type"]?.string == "Metaspace" }
  }

  /// - Throws: `.unsupported` for a tokenizer that cuts words in another way.
  private static func refuseOthers(_ file: JSONValue) throws {
    guard let metaspace = metaspace(file), metaspace["replacement"]?.string ?? "▁" == "▁" else {
      throw IdiolectError(
        .unsupported,
        "its pre_tokenizer is no Metaspace with ▁; only pieces that begin words so are read")
    }
  }

  /// The text of labels: without the space that begins the first word.
  func decode(_ ids: some Sequence<Int>, _ vocabulary: Vocabulary) -> String {
    var (text, run) = ("", [UInt8]())
    // Bytes in a row are one text, for a letter may take several; where they are none, each is unreadable.
    func endRun() {
      text +=
        String(validating: run, as: UTF8.self) ?? String(repeating: "\u{FFFD}", count: run.count)
      run = []
    }
    for id in ids {
      if let byte = bytes[id] {
        run.append(byte)
      } else {
        endRun()
        text += vocabulary.text(of: id)
      }
    }
    endRun()
    return text.hasPrefix(" ") ? String(text.dropFirst()) : text
  }

  /// `tokenizer.json` for labels that begin with those it was read with.
  func json(_ labels: [String]) -> JSONValue {
    guard var object = file.object, var model = file["model"]?.object else { return file }
    switch model["vocab"] {
    case .object(var entries)?:
      let known = Set(entries.values.compactMap(\.integer))
      for (index, label) in labels.enumerated()
      where !label.isEmpty && !known.contains(index) && !isAdded(index) {
        entries[label] = .integer(index)
      }
      model["vocab"] = .object(entries)
    case .array(var entries)?:
      // By place: special ones too, so that those after them keep theirs.
      let least = entries.compactMap { $0[1]?.double }.min() ?? 0
      for (index, label) in labels.enumerated() where index >= entries.count {
        entries.append([.string(label), .number(least)])
      }
      model["vocab"] = .array(entries)
    default: break
    }
    object["model"] = .object(model)
    return .object(object)
  }

  private func isAdded(_ index: Int) -> Bool {
    (file["added_tokens"]?.array ?? []).contains { $0["id"]?.integer == index }
  }
}
