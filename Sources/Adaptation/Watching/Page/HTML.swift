import SpeechText

/// Pieces of a page.
enum HTML {
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default:
        // No control character, and nothing that turns the direction of the text around it.
        let isHidden =
          character.properties.generalCategory == .control
          || (0x202A...0x202E).contains(character.value)
          || (0x2066...0x2069).contains(character.value)
        result += isHidden ? " " : String(character)
      }
    }
    return result
  }

  static func table(_ heads: [String], _ rows: [[String]]) -> String {
    func row(_ cells: [String], _ kind: String) -> String {
      "<tr>" + cells.map { "<\(kind)>\(escaped($0))</\(kind)>" }.joined() + "</tr>"
    }
    return "<table>" + row(heads, "th") + rows.map { row($0, "td") }.joined() + "</table>"
  }

  /// A hypothesis with what is wrong in it marked: too much, another, or (as a gap) missing.
  static func marked(_ hypothesis: String, against reference: String) -> String {
    let (said, heard) = (Array(reference), Array(hypothesis))
    var result = ""
    for step in Alignment(reference: said, hypothesis: heard).steps {
      switch step {
      case .correct(_, let index): result += escaped(String(heard[index]))
      case .substitution(_, let index): result += "<b>\(escaped(String(heard[index])))</b>"
      case .insertion(let index): result += "<i>\(escaped(String(heard[index])))</i>"
      case .deletion(let index):
        result += "<s>\(said[index] == " " ? "&nbsp;" : escaped(String(said[index])))</s>"
      }
    }
    return result.isEmpty ? "<s>&nbsp;nothing&nbsp;</s>" : result
  }
}
