package import Basics
public import Foundation

extension Vocabulary {
  /// Reads the vocabulary of a model directory: `tokenizer.json`, else `vocab.json`, else a SentencePiece `.model`.
  ///
  /// `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` are consulted for the
  /// names of special tokens. Normalisers in `tokenizer.json` are not applied: reference text is
  /// normalised before it comes here.
  ///
  /// - Parameters:
  ///   - blank: `pad_token_id` of the network; if nil, or where `vocab.json` has it, the index of the pad token.
  ///   - size: the width of the network's output; if nil, the vocabulary's own.
  ///   - language: which language of a vocabulary that holds several (MMS), such as `eng`.
  /// - Throws: `IdiolectError` `.invalidModel` that names the file and the cause; `.notFound`.
  public static func read(
    directory: String, blank: Int? = nil, size: Int? = nil, language: String? = nil
  ) throws -> Vocabulary {
    var names = SpecialNames()
    for file in ["special_tokens_map.json", "tokenizer_config.json"] {
      let path = "\(directory)/\(file)"
      if FileManager.default.fileExists(atPath: path) { names.add(try json(path)) }
    }
    let tokenizer = "\(directory)/tokenizer.json"
    let vocabulary = "\(directory)/vocab.json"
    if FileManager.default.fileExists(atPath: tokenizer) {
      return try read(tokenizer: try json(tokenizer), tokenizer, names, blank, size)
    }
    if FileManager.default.fileExists(atPath: vocabulary) {
      return try read(
        vocabulary: try json(vocabulary), vocabulary, names, blank, size, language)
    }
    for file in ["tokenizer.model", "sentencepiece.bpe.model", "spm.model"] {
      let path = "\(directory)/\(file)"
      guard let data = FileManager.default.contents(atPath: path) else { continue }
      return try Vocabulary(sentencePiece: data, name: path, blank: blank, size: size)
    }
    throw IdiolectError(
      .notFound,
      "\(directory): no tokenizer.json, no vocab.json and no tokenizer.model; a model needs one of them"
    )
  }

  /// The pieces of a SentencePiece `.model`, and a blank after them where none of them is it.
  ///
  /// - Parameters:
  ///   - name: the file's, for errors.
  ///   - blank: its index; nil for after the pieces.
  ///   - size: the width of the network's output; nil for what pieces and blank need.
  /// - Throws: `.invalidModel` that names the file.
  public init(
    sentencePiece data: Data, name: String, blank: Int? = nil, size: Int? = nil
  ) throws {
    let model = try SentencePieceModel(data, name: name)
    let count = model.pieces.count
    let blank = blank ?? count
    self = try Vocabulary.read(
      tokenizer: model.tokenizer(blank: blank < count ? nil : blank), name, SpecialNames(), blank,
      size ?? max(count, blank + 1))
  }

  /// The untrusted file as JSON.
  package static func json(_ path: String) throws -> JSONValue {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw IdiolectError(.notFound, "\(path): no such file, or it cannot be read")
    }
    guard data.count <= 64 << 20 else {
      throw IdiolectError(
        .invalidModel, "\(path): \(data.count >> 20) MiB are more than any vocabulary has")
    }
    do {
      return try JSONValue(parsing: data)
    } catch {
      throw IdiolectError(
        .invalidModel, "\(path): not JSON that can be read: \(error)", cause: error)
    }
  }

  private static func read(
    tokenizer: JSONValue, _ path: String, _ names: SpecialNames, _ blank: Int?, _ size: Int?
  ) throws -> Vocabulary {
    let kind = tokenizer["model"]?["type"]?.string ?? "none"
    guard ["WordLevel", "BPE", "Unigram"].contains(kind) else {
      throw IdiolectError(
        .unsupported,
        "\(path): a tokenizer of the type \(kind); Idiolect reads WordLevel (a character a token), BPE and Unigram"
      )
    }
    let isWordLevel = kind == "WordLevel"
    var table = LabelTable(path: path, size: size)
    var names = names
    switch tokenizer["model"]?["vocab"] {
    case .object(let entries)?: for (label, id) in entries.members { try table.insert(label, id) }
    case .array(let entries)? where kind == "Unigram":
      for (index, entry) in entries.enumerated() {
        guard let label = entry[0]?.string else {
          throw IdiolectError(.invalidModel, "\(path): model.vocab[\(index)] has no label")
        }
        try table.insert(label, .integer(index))
      }
      if let unknown = tokenizer["model"]?["unk_id"]?.integer, entries.indices.contains(unknown) {
        names.unknown = names.unknown ?? entries[unknown][0]?.string
      }
    default:
      throw IdiolectError(
        .invalidModel, "\(path): model.vocab is missing, or is not what a \(kind) has")
    }
    for token in tokenizer["added_tokens"]?.array ?? [] {
      guard let content = token["content"]?.string, let id = token["id"] else {
        throw IdiolectError(.invalidModel, "\(path): an added token lacks its id or content")
      }
      let special = token["special"]?.bool ?? false
      // transformers gives ids beyond the network's width to <s> and </s> that it never learnt.
      if special, let id = id.integer, let size, id >= size { continue }
      try table.insert(content, id, again: true)
      if special { names.special.insert(content) }
    }
    if let unknown = tokenizer["model"]?["unk_token"]?.string, unknown.unicodeScalars.count > 1 {
      names.unknown = names.unknown ?? unknown
    }
    return try table.vocabulary(
      names, blank: blank, layout: isWordLevel ? .fused : .pieces,
      pieces: isWordLevel ? JSONValue?.none : tokenizer)
  }

  private static func read(
    vocabulary: JSONValue, _ path: String, _ names: SpecialNames, _ blank: Int?, _ size: Int?,
    _ language: String?
  ) throws -> Vocabulary {
    guard var entries = vocabulary.object else {
      throw IdiolectError(.invalidModel, "\(path): it holds \(vocabulary.kind), not an object")
    }
    if entries.count > 0, entries.values.allSatisfy({ $0.object != nil }) {
      let languages = entries.keys
      let known = languages.prefix(8).joined(separator: ", ")
      guard let language = language ?? names.language else {
        throw IdiolectError(
          .invalidModel,
          "\(path): it holds \(languages.count) languages; name one of them, such as \(known)")
      }
      guard let chosen = entries[language]?.object else {
        throw IdiolectError(
          .invalidModel, "\(path): no language '\(language)'; it has \(known) and perhaps more")
      }
      entries = chosen
    }
    var table = LabelTable(path: path, size: size)
    for (label, id) in entries.members { try table.insert(label, id) }
    return try table.vocabulary(names.orWav2Vec2(), blank: blank, layout: .delimited)
  }
}
