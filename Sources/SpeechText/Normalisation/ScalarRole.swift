/// What a code point does in reference text.
enum ScalarRole {
  /// A letter or digit.
  case word
  /// A combining mark: belongs to the letter before it.
  case mark
  /// Zero-width joiner and non-joiner: part of the spelling between letters (Persian, Indic scripts).
  case joiner
  case space
  /// Punctuation or a symbol that parts words.
  case separator
  /// What goes without a trace.
  case nothing

  /// A letter, digit or mark.
  var isWord: Bool { self == .word || self == .mark }

  init(_ scalar: Unicode.Scalar) {
    // Most text: letters, digits and the space of ASCII.
    switch scalar.value {
    case 0x61...0x7A, 0x41...0x5A, 0x30...0x39:
      self = .word
      return
    case 0x20:
      self = .space
      return
    case 0x200C, 0x200D:
      self = .joiner
      return
    case 0x22, 0x2E, 0xB7:  // " . ·
      self = .nothing
      return
    default: break
    }
    let properties = scalar.properties
    if properties.isWhitespace {
      self = .space
      return
    }
    self =
      switch properties.generalCategory {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
        .decimalNumber, .letterNumber, .otherNumber:
        .word
      case .nonspacingMark, .spacingMark, .enclosingMark: .mark
      case .dashPunctuation, .connectorPunctuation, .otherPunctuation, .mathSymbol,
        .currencySymbol, .otherSymbol:
        .separator
      default: .nothing
      }
  }
}
