/// A JSON value that keeps the order of an object's keys, and every key that was written.
///
/// Vocabularies need both. A Swift `[String: Int]` holds é and e + U+0301 as one key, since strings
/// compare by canonical equivalence; to a network they are two labels. And a key that stands twice is
/// damage to report, not to settle silently.
package enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([(key: String, value: JSONValue)])

  /// The value of the first key that has exactly these code points.
  package subscript(_ key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  package var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  package var double: Double? {
    if case .number(let value) = self { value } else { nil }
  }

  /// A number without a fraction that fits.
  package var integer: Int? { double.flatMap { Int(exactly: $0) } }

  package var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  package var array: [JSONValue]? {
    if case .array(let values) = self { values } else { nil }
  }

  package var object: [(key: String, value: JSONValue)]? {
    if case .object(let members) = self { members } else { nil }
  }

  package var isNull: Bool {
    if case .null = self { true } else { false }
  }

  /// What a person calls this kind of value.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
