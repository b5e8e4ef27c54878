import Basics

/// What a model directory calls its special tokens.
struct SpecialNames {
  var pad: String?
  var unknown: String?
  var delimiter: String?
  var language: String?
  var special: Set<String> = []

  /// Takes over what `tokenizer_config.json` or `special_tokens_map.json` says.
  mutating func add(_ file: JSONValue) {
    // A token is written as its name or as an object with the name in `content`.
    func name(_ key: String) -> String? {
      file[key].flatMap { $0.string ?? $0["content"]?.string }
    }
    pad = name("pad_token") ?? pad
    unknown = name("unk_token") ?? unknown
    delimiter = name("word_delimiter_token") ?? delimiter
    language = name("target_lang") ?? language
    for key in ["pad_token", "unk_token", "bos_token", "eos_token"] {
      if let name = name(key) { special.insert(name) }
    }
    for token in file["added_tokens_decoder"]?.object?.values ?? []
    where token["special"]?.bool == true {
      if let content = token["content"]?.string { special.insert(content) }
    }
  }

  /// With the defaults of transformers' `Wav2Vec2CTCTokenizer` where nothing was said.
  func orWav2Vec2() -> SpecialNames {
    var result = self
    result.pad = pad ?? "<pad>"
    result.unknown = unknown ?? "<unk>"
    result.delimiter = delimiter ?? "|"
    result.special.formUnion(["<s>", "</s>", "<pad>", "<unk>"])
    return result
  }
}
