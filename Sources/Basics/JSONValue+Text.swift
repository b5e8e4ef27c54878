import Foundation

extension JSONValue {
  /// How members and elements are laid out.
  package enum Layout: Sendable {
    /// One line without spaces, as a manifest line or a header needs it.
    case compact
    /// Two spaces a level, and a line feed at the end, as a file that people read.
    case pretty
  }

  /// This as JSON text, the same for equal values: keys are sorted by their bytes unless told otherwise.
  ///
  /// Numbers that are not finite, which JSON cannot say, become `null`.
  package func text(_ layout: Layout = .pretty, sortedKeys: Bool = true) -> String {
    var output = ""
    write(to: &output, pretty: layout == .pretty, sorted: sortedKeys, level: 0)
    if layout == .pretty { output += "\n" }
    return output
  }

  private func write(to output: inout String, pretty: Bool, sorted: Bool, level: Int) {
    func line(_ level: Int) { if pretty { output += "\n" + String(repeating: "  ", count: level) } }
    switch self {
    case .null: output += "null"
    case .bool(let value): output += value ? "true" : "false"
    case .integer(let value): output += String(value)
    case .number(let value): output += value.isFinite ? "\(value)" : "null"
    case .string(let value): JSONValue.quote(value, to: &output)
    case .array(let elements):
      output += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { output += "," }
        line(level + 1)
        element.write(to: &output, pretty: pretty, sorted: sorted, level: level + 1)
      }
      if !elements.isEmpty { line(level) }
      output += "]"
    case .object(let object):
      var members = Array(object.members)
      if sorted { members.sort { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) } }
      output += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { output += "," }
        line(level + 1)
        JSONValue.quote(member.0, to: &output)
        output += pretty ? ": " : ":"
        member.1.write(to: &output, pretty: pretty, sorted: sorted, level: level + 1)
      }
      if !members.isEmpty { line(level) }
      output += "}"
    }
  }

  private static func quote(_ text: String, to output: inout String) {
    output += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      // Controls, and what some readers of lines (Python's `splitlines`) take for the end of one.
      case "\0"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}"..."\u{2029}":
        let digits = String(scalar.value, radix: 16)
        output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: output.unicodeScalars.append(scalar)
      }
    }
    output += "\""
  }
}
