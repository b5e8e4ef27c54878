import Foundation

/// Finds the label of a base vocabulary that a character is, or comes from.
struct LabelKinship {
  private var rows: [Unicode.Scalar: Int] = [:]
  private var names: [String: Int] = [:]
  private var marked: [Unicode.Scalar: Int] = [:]

  init(_ base: Vocabulary) {
    for index in base.textLabels {
      let label = base.text(of: index).unicodeScalars
      guard let scalar = label.first, label.count == 1 else { continue }
      if rows[scalar] == nil { rows[scalar] = index }
      for variant in Self.cases(of: scalar) {
        if let name = variant.properties.name, names[name] == nil { names[name] = index }
      }
      let bare = Self.decomposed(scalar)[0]
      if bare != scalar, marked[bare] == nil { marked[bare] = index }
    }
  }

  func origin(of scalar: Unicode.Scalar) -> (row: Int?, reason: LabelTransfer.Reason) {
    if let row = rows[scalar] { return (row, .same) }
    for other in Self.cases(of: scalar) {
      if let row = rows[other] { return (row, .otherCase) }
    }
    // ấ from â, then from a: one mark less at a time.
    var parts = Self.decomposed(scalar)
    while parts.count > 1 {
      parts.removeLast()
      var view = String.UnicodeScalarView()
      view.append(contentsOf: parts)
      let composed = Array(String(view).precomposedStringWithCanonicalMapping.unicodeScalars)
      guard composed.count == 1 else { continue }
      for candidate in Self.cases(of: composed[0]) {
        if let row = rows[candidate] { return (row, .decomposition) }
      }
    }
    for name in Self.plainerNames(scalar) {
      if let row = names[name] { return (row, .variant) }
    }
    if let row = Self.cases(of: scalar).lazy.compactMap({ marked[$0] }).first {
      return (row, .variant)
    }
    return (nil, .new)
  }

  private static func decomposed(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    Array(String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars)
  }

  /// The character, its lower and its upper case, as far as they are single code points.
  private static func cases(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    let properties = scalar.properties
    return [scalar]
      + [properties.lowercaseMapping, properties.uppercaseMapping].compactMap { mapping in
        let scalars = mapping.unicodeScalars
        return scalars.count == 1 && scalars.first != scalar ? scalars.first : nil
      }
  }

  /// Unicode names of what a letter varies: LATIN SMALL LETTER B WITH HOOK is one B.
  private static func plainerNames(_ scalar: Unicode.Scalar) -> [String] {
    guard let name = scalar.properties.name, name.contains(" LETTER ") else { return [] }
    var plain = name
    if let with = plain.range(of: " WITH ") { plain = String(plain[..<with.lowerBound]) }
    for word in ["OPEN ", "DOTLESS ", "TURNED ", "REVERSED ", "SMALL CAPITAL "] {
      plain = plain.replacingOccurrences(of: " LETTER " + word, with: " LETTER ")
    }
    return plain == name ? [] : [plain]
  }
}
