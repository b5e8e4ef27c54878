package import SpeechCorpus
package import SpeechText

/// Characters of so few utterances that they are slips rather than labels: one emoji must not widen the
/// output layer.
///
/// The utterances that hold them are quarantined: with the character dropped, their texts would no longer
/// say what is heard. Where they are many, the script is large and nothing is a slip.
package struct StrayCharacters: Sendable {
  /// In fewer utterances than these, a character is a slip.
  package static let fewestUtterances = 3
  /// A smaller corpus has rare characters of necessity.
  package static let smallestCorpus = 50
  /// No more than this share of the corpus is given up for them.
  package static let mostLost = 0.05

  package let kept: [Utterance]
  package private(set) var quarantine = Quarantine()
  /// In order of code points.
  package let characters: [Unicode.Scalar]

  /// - Parameters:
  ///   - known: labels that there are already, and that no character of theirs is stray of.
  ///   - source: the manifest, for the quarantine.
  package init(
    _ utterances: [Utterance], normalizer: TextNormalizer, known: Vocabulary?, source: String
  ) {
    let texts = utterances.map { Set(normalizer($0.text).unicodeScalars) }
    var uses: [Unicode.Scalar: Int] = [:]
    for text in texts { for scalar in text { uses[scalar, default: 0] += 1 } }
    let rare = uses.filter { scalar, count in
      count < StrayCharacters.fewestUtterances
        && known.map { !$0.encode(String(scalar)).unknown.isEmpty } ?? true
    }
    let lost = utterances.indices.filter { index in texts[index].contains { rare[$0] != nil } }
    guard utterances.count >= StrayCharacters.smallestCorpus,
      Double(lost.count) <= StrayCharacters.mostLost * Double(utterances.count)
    else {
      (kept, characters) = (utterances, [])
      return
    }
    characters = rare.keys.sorted()
    let left = Set(lost)
    kept = utterances.indices.filter { !left.contains($0) }.map { utterances[$0] }
    for index in lost {
      let utterance = utterances[index]
      let names = texts[index].filter { rare[$0] != nil }.sorted().map { "'\($0)'" }
      quarantine.add(
        utterance: utterance.id, source: source, line: utterance.line,
        cause:
          "\(names.joined(separator: ", ")) in fewer than \(StrayCharacters.fewestUtterances) utterances: too rare to become a label",
        remedy: "spell it otherwise, or give more utterances with it")
    }
  }

  /// A line for the person who waits; nil where there are none.
  package var note: String? {
    guard !characters.isEmpty else { return nil }
    let names = characters.prefix(12).map { "'\($0)'" }.joined(separator: " ")
    return
      "too rare to become labels: \(names)\(characters.count > 12 ? " …" : ""); \(quarantine.count) utterances with them are left out"
  }
}
