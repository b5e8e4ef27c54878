import CYAML
package import Foundation

extension JSONValue {
  /// Reads one YAML document, as configurations are written in it: mappings with text keys, sequences, and scalars
  /// that are null, true or false, numbers (as PyYAML takes them) or text.
  ///
  /// - Throws: `JSONError`-like text in `IdiolectError` `.invalidData` that says what is wrong and where.
  package init(yaml data: Data) throws {
    var reader = YAMLReader()
    self = try data.withUnsafeBytes { try reader.read($0) }
  }
}

/// Events of libyaml to values.
private struct YAMLReader {
  /// Deeper nesting, and more values with what aliases repeat, are damage or an attack.
  private static let depthLimit = 128, valueLimit = 1 << 20

  private var parser = yaml_parser_t()
  private var anchors: [String: (value: JSONValue, count: Int)] = [:]
  private var count = 0

  mutating func read(_ bytes: UnsafeRawBufferPointer) throws -> JSONValue {
    guard yaml_parser_initialize(&parser) == 1 else {
      throw IdiolectError(.inputOutput, "no memory to read YAML")
    }
    defer { yaml_parser_delete(&parser) }
    yaml_parser_set_input_string(
      &parser, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    while true {
      let value: JSONValue? = try next { reader, event in
        switch event.type {
        case YAML_STREAM_END_EVENT: return .null
        case YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT, YAML_NO_EVENT: return Optional.none
        default: return try reader.value(event, depth: 0)
        }
      }
      if let value { return value }
    }
  }

  /// Parses an event and hands it over.
  private mutating func next<Result>(
    _ body: (inout YAMLReader, yaml_event_t) throws -> Result
  ) throws -> Result {
    var event = yaml_event_t()
    guard yaml_parser_parse(&parser, &event) == 1 else {
      let problem = parser.problem.map { String(cString: $0) } ?? "not YAML"
      throw refuse(problem, line: Int(parser.problem_mark.line))
    }
    defer { yaml_event_delete(&event) }
    return try body(&self, event)
  }

  private func refuse(_ why: String, line: Int) -> IdiolectError {
    IdiolectError(.invalidData, "line \(line + 1): \(why)")
  }

  private mutating func value(_ event: yaml_event_t, depth: Int) throws -> JSONValue {
    let line = Int(event.start_mark.line)
    guard depth < Self.depthLimit else { throw refuse("it nests too deep", line: line) }
    let before = count
    count += 1
    guard count < Self.valueLimit else { throw refuse("it holds too many values", line: line) }
    let result: JSONValue
    var anchor: UnsafeMutablePointer<UInt8>?
    switch event.type {
    case YAML_ALIAS_EVENT:
      let name = text(event.data.alias.anchor)
      guard let known = anchors[name] else { throw refuse("no anchor '\(name)'", line: line) }
      count += known.count
      guard count < Self.valueLimit else { throw refuse("it holds too many values", line: line) }
      return known.value
    case YAML_SCALAR_EVENT:
      anchor = event.data.scalar.anchor
      let content = content(event)
      result =
        event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? Self.plain(content) : .string(content)
    case YAML_SEQUENCE_START_EVENT:
      anchor = event.data.sequence_start.anchor
      var elements: [JSONValue] = []
      while let element = try element(depth: depth, end: YAML_SEQUENCE_END_EVENT) {
        elements.append(element)
      }
      result = .array(elements)
    case YAML_MAPPING_START_EVENT:
      anchor = event.data.mapping_start.anchor
      var object = JSONObject()
      while let key = try key() {
        object[key] = try element(depth: depth, end: YAML_NO_EVENT) ?? .null
      }
      result = .object(object)
    default: throw refuse("it ends too soon", line: line)
    }
    if let anchor { anchors[text(anchor)] = (result, count - before) }
    return result
  }

  /// nil at `end`.
  private mutating func element(depth: Int, end: yaml_event_type_t) throws -> JSONValue? {
    try next { reader, event in
      // Not nil: as a value that is null.
      event.type == end ? Optional.none : try reader.value(event, depth: depth + 1)
    }
  }

  /// Text, whatever it would be as a value; nil at the mapping's end.
  private mutating func key() throws -> String? {
    try next { reader, event in
      if event.type == YAML_MAPPING_END_EVENT { return nil }
      guard event.type == YAML_SCALAR_EVENT else {
        throw reader.refuse("a key is no text", line: Int(event.start_mark.line))
      }
      return reader.content(event)
    }
  }

  private func content(_ scalar: yaml_event_t) -> String {
    let (start, count) = (scalar.data.scalar.value, scalar.data.scalar.length)
    return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  private func text(_ bytes: UnsafeMutablePointer<UInt8>?) -> String {
    bytes.map { String(cString: $0) } ?? ""
  }

  /// A scalar without quotes.
  private static func plain(_ text: String) -> JSONValue {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": return .bool(true)
    case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": return .bool(false)
    case ".inf", ".Inf", "+.inf": return .number(.infinity)
    case "-.inf", "-.Inf": return .number(-.infinity)
    case ".nan", ".NaN": return .number(.nan)
    default: break
    }
    // Digits lead; otherwise "infinity" or "nan" would be numbers too.
    let digits = text.drop { $0 == "-" || $0 == "+" }
    guard let first = digits.first, first.isNumber || first == "." else { return .string(text) }
    let number = text.replacing("_", with: "")
    if let whole = Int(number) { return .integer(whole) }
    return Double(number).map { .number($0) } ?? .string(text)
  }
}
