/// Labels by their code points, for the longest match.
struct LabelTrie: Sendable {
  private struct Node: Sendable {
    var children: [Unicode.Scalar: Int] = [:]
    var id: Int?
  }

  private var nodes = [Node()]

  init(labels: [String], specials: Set<Int>, wordDelimiter: Int?) {
    var cased = (upper: 0, lower: 0)
    for (id, label) in labels.enumerated() where !label.isEmpty && !specials.contains(id) {
      insert(label.unicodeScalars, id)
      for scalar in label.unicodeScalars {
        if scalar.properties.isUppercase { cased.upper += 1 }
        if scalar.properties.isLowercase { cased.lower += 1 }
      }
    }
    if let wordDelimiter { insert(" ".unicodeScalars, wordDelimiter) }
    // A network that writes capitals only is still taught with lower-case reference text.
    guard (cased.upper == 0) != (cased.lower == 0) else { return }
    for (id, label) in labels.enumerated() where !label.isEmpty && !specials.contains(id) {
      insert((cased.lower == 0 ? label.lowercased() : label.uppercased()).unicodeScalars, id)
    }
  }

  /// The first label that claims a string keeps it.
  private mutating func insert(_ scalars: String.UnicodeScalarView, _ id: Int) {
    var node = 0
    for scalar in scalars {
      if let next = nodes[node].children[scalar] {
        node = next
      } else {
        nodes.append(Node())
        nodes[node].children[scalar] = nodes.count - 1
        node = nodes.count - 1
      }
    }
    if node != 0 && nodes[node].id == nil { nodes[node].id = id }
  }

  func encode(_ text: [Unicode.Scalar]) -> Vocabulary.Encoding {
    var encoding = Vocabulary.Encoding()
    var start = 0
    while start < text.count {
      var node = 0
      var end = start
      var match: (id: Int, end: Int)?
      while end < text.count, let next = nodes[node].children[text[end]] {
        node = next
        end += 1
        if let id = nodes[node].id { match = (id, end) }
      }
      if let match {
        encoding.ids.append(match.id)
        start = match.end
      } else {
        encoding.unknown.append(text[start])
        start += 1
      }
    }
    return encoding
  }
}
