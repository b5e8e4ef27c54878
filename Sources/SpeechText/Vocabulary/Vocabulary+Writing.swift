import Basics

extension Vocabulary {
  /// Writes the files by which transformers opens this vocabulary, and by which we read it again.
  ///
  /// Layout `.pieces`: the `tokenizer.json` that was read, with the labels that came later. Layout `.fused`: `tokenizer.json` and `tokenizer_config.json` of a `ParakeetTokenizer`, whose
  /// `batch_decode` groups repeats, drops the blank and joins the rest. Layout `.delimited`:
  /// `vocab.json` and `tokenizer_config.json` of a `Wav2Vec2CTCTokenizer`.
  ///
  /// There is no label for what is unknown unless the vocabulary has one: to transformers an unknown
  /// character is then the pad token, which its loss leaves out.
  ///
  /// - Throws: `IdiolectError` `.invalidModel` for a label that transformers would take for something
  ///   else; `.inputOutput`.
  public func write(toDirectory directory: String) throws {
    for (name, content) in try files() {
      try AtomicFile.write(content.text(.pretty, sortedKeys: false), to: "\(directory)/\(name)")
    }
  }

  private func files() throws -> [(name: String, content: JSONValue)] {
    let names = try writtenLabels()
    let blank = names[self.blank]
    var config: JSONObject = [
      "pad_token": .string(blank),
      "unk_token": unknown.map { .string(names[$0]) } ?? .null,
      // Otherwise transformers deletes the space before an apostrophe or a full stop.
      "clean_up_tokenization_spaces": false,
      // No limit, as transformers says it.
      "model_max_length": 1_000_000_000_000_000_000,
    ]
    switch layout {
    case .fused, .pieces:
      config["tokenizer_class"] = "ParakeetTokenizer"
      config["processor_class"] = "ParakeetProcessor"
      return [
        ("tokenizer.json", pieces?.json(labels) ?? tokenizer(names)),
        ("tokenizer_config.json", .object(config)),
      ]
    case .delimited:
      // A name that is not given would be added beyond the network's labels.
      for (key, name) in [("bos_token", "<s>"), ("eos_token", "</s>")] {
        let known = index(of: name).map { specials.contains($0) } ?? false
        config[key] = known ? .string(name) : JSONValue.null
      }
      if unknown == nil { config["unk_token"] = .string(blank) }
      config["word_delimiter_token"] = .string(wordDelimiter.map { names[$0] } ?? " ")
      config["replace_word_delimiter_char"] = " "
      config["do_lower_case"] = false
      config["tokenizer_class"] = "Wav2Vec2CTCTokenizer"
      config["processor_class"] = "Wav2Vec2Processor"
      return [
        ("vocab.json", .object(entries(names))), ("tokenizer_config.json", .object(config)),
      ]
    }
  }

  /// The labels as the files name them: the word delimiter is a plain space in a fused vocabulary and
  /// `|` in a delimited one.
  private func writtenLabels() throws -> [String] {
    var names = labels
    if layout == .fused {
      if let wordDelimiter {
        if let space = index(of: " "), space != wordDelimiter {
          throw IdiolectError(
            .invalidModel, "the labels \(space) and \(wordDelimiter) both mean a space; keep one")
        }
        names[wordDelimiter] = " "
      }
      if let transducer = index(of: "<blank>") {
        guard transducer == blank, index(of: Vocabulary.defaultBlank) == nil else {
          throw IdiolectError(
            .invalidModel,
            "the label \(transducer) is called <blank>, which transformers takes for a "
              + "transducer's blank; rename it")
        }
        names[transducer] = Vocabulary.defaultBlank
      }
    }
    // transformers 5.23 forgets any other name of the delimiter when it opens a directory.
    if layout == .delimited, let wordDelimiter, index(of: "|") == nil { names[wordDelimiter] = "|" }
    if names[blank].isEmpty {
      if let other = index(of: Vocabulary.defaultBlank) {
        throw IdiolectError(
          .invalidModel,
          "the blank \(blank) has no name, and \(Vocabulary.defaultBlank) is the label \(other); "
            + "name the blank")
      }
      names[blank] = Vocabulary.defaultBlank
    }
    return names
  }

  private func entries(_ names: [String]) -> JSONObject {
    JSONObject(
      names.enumerated().filter { !$0.element.isEmpty }
        .map { ($0.element, .integer($0.offset)) })
  }

  private func tokenizer(_ names: [String]) -> JSONValue {
    // A label of several characters is matched as an added token; longest first, as in our encoding.
    let added = names.indices.filter { index in
      !names[index].isEmpty
        && (specials.contains(index) || names[index].unicodeScalars.count > 1)
    }
    return [
      "version": "1.0",
      "truncation": nil,
      "padding": nil,
      "added_tokens": .array(added.map { addedToken($0, named: names[$0]) }),
      "normalizer": nil,
      "pre_tokenizer": [
        "type": "Split",
        // Every code point by itself: white space and combining marks too.
        "pattern": ["Regex": "[\\s\\S]"],
        "behavior": "Isolated",
        "invert": false,
      ],
      "post_processor": nil,
      "decoder": ["type": "Fuse"],
      "model": [
        "type": "WordLevel",
        "vocab": .object(entries(names)),
        "unk_token": .string(names[unknown ?? blank]),
      ],
    ]
  }

  private func addedToken(_ index: Int, named name: String) -> JSONValue {
    [
      "id": .integer(index),
      "content": .string(name),
      "single_word": false,
      "lstrip": false,
      "rstrip": false,
      "normalized": false,
      "special": .bool(specials.contains(index)),
    ]
  }
}
