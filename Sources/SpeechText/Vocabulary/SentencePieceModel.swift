import Basics
import CSentencePiece
import Foundation

/// The pieces of a SentencePiece `.model` (Kudo and Richardson 2018), read by its own library.
final class SentencePieceModel {
  struct Piece {
    let text: String
    let score: Double
    let kind: idiolect_piece_kind
  }

  let pieces: [Piece]
  private let handle: OpaquePointer

  /// - Parameter name: the file's, for errors.
  /// - Throws: `.invalidModel` that names the file.
  init(_ data: Data, name: String) throws {
    let opened = data.withUnsafeBytes { idiolect_pieces_read($0.baseAddress, $0.count) }
    guard let opened else {
      throw IdiolectError(.invalidModel, "\(name): not a SentencePiece model that can be read")
    }
    handle = opened
    pieces = (0..<idiolect_pieces_count(opened)).map { index in
      var count = 0
      let text = idiolect_pieces_text(opened, index, &count)
      return Piece(
        text: String(
          decoding: UnsafeRawBufferPointer(start: text, count: count), as: UTF8.self),
        score: Double(idiolect_pieces_score(opened, index)),
        kind: idiolect_pieces_kind(opened, index))
    }
  }

  deinit { idiolect_pieces_free(handle) }

  /// How the library cuts a text.
  func cut(_ text: String) -> [Int] {
    let bytes = Array(text.utf8CString)
    var indices = [Int32](repeating: 0, count: bytes.count * 4)
    let count = idiolect_pieces_cut(handle, bytes, bytes.count - 1, &indices, indices.count)
    return indices.prefix(count).map { Int($0) }
  }

  /// The same as a `tokenizer.json`, as transformers' converters write it.
  ///
  /// - Parameter blank: the index of one that is added; nil where a piece is it.
  ///
  /// Normalisation is not taken over: reference text is normalised before.
  func tokenizer(blank: Int?) -> JSONValue {
    let unknown = pieces.first { $0.kind == IDIOLECT_PIECE_UNKNOWN }?.text ?? "<unk>"
    let spelt = pieces.contains { $0.kind == IDIOLECT_PIECE_BYTE }
    // Merged pieces are scored by their order, 0, −1, −2, …; likelihoods are no whole numbers.
    let plain = pieces.filter { $0.kind == IDIOLECT_PIECE_PLAIN }
    let isMerged = plain.allSatisfy { $0.score <= 0 && $0.score.rounded() == $0.score }
    var added = pieces.enumerated().filter {
      $0.element.kind == IDIOLECT_PIECE_UNKNOWN || $0.element.kind == IDIOLECT_PIECE_CONTROL
    }.map { Self.special($0.offset, $0.element.text) }
    if let blank { added.append(Self.special(blank, Vocabulary.defaultBlank)) }
    var model: JSONObject = ["type": isMerged ? "BPE" : "Unigram"]
    if isMerged {
      model["unk_token"] = .string(unknown)
      model["fuse_unk"] = true
      model["vocab"] = .object(
        JSONObject(pieces.enumerated().map { ($0.element.text, .integer($0.offset)) }))
      model["merges"] = .array(merges.map { [.string($0), .string($1)] })
    } else {
      model["unk_id"] = pieces.firstIndex { $0.text == unknown }.map { .integer($0) } ?? .null
      model["vocab"] = .array(pieces.map { [.string($0.text), .number($0.score)] })
    }
    model["byte_fallback"] = .bool(spelt)
    let metaspace: JSONValue = [
      "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true,
    ]
    return [
      "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(added),
      "normalizer": nil, "pre_tokenizer": metaspace, "post_processor": nil,
      "decoder": spelt
        ? [
          "type": "Sequence",
          "decoders": [
            ["type": "Replace", "pattern": ["String": "\u{2581}"], "content": " "],
            ["type": "ByteFallback"], ["type": "Fuse"],
            ["type": "Strip", "content": " ", "start": 1, "stop": 0],
          ],
        ] : metaspace,
      "model": .object(model),
    ]
  }

  /// Each pair of pieces that is a piece itself, the best first.
  private var merges: [(String, String)] {
    var indices: [[Unicode.Scalar]: Int] = [:]
    for (index, piece) in pieces.enumerated() where piece.kind == IDIOLECT_PIECE_PLAIN {
      indices[Array(piece.text.unicodeScalars)] = index
    }
    var found: [(left: Int, right: Int, score: Double)] = []
    for piece in pieces where piece.kind == IDIOLECT_PIECE_PLAIN {
      let scalars = Array(piece.text.unicodeScalars)
      for cut in 1..<max(1, scalars.count) {
        guard let left = indices[Array(scalars[..<cut])],
          let right = indices[Array(scalars[cut...])]
        else { continue }
        found.append((left, right, piece.score))
      }
    }
    // Of one piece the leftmost parts first, as transformers orders them.
    return found.enumerated().sorted {
      ($1.element.score, $0.element.left, $0.element.right)
        < ($0.element.score, $1.element.left, $1.element.right)
    }.map { (pieces[$0.element.left].text, pieces[$0.element.right].text) }
  }

  private static func special(_ index: Int, _ text: String) -> JSONValue {
    [
      "id": .integer(index), "content": .string(text), "single_word": false, "lstrip": false,
      "rstrip": false, "normalized": false, "special": true,
    ]
  }
}
