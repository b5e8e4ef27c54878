import Foundation

/// A place in a JSON file: its value, if it has one, and how to name it in a message.
///
///     let config = try JSONNode(path: "model/config.json")
///     let size = try config["encoder_config"]["hidden_size"].int()
///
/// Subscripts never fail; the typed getters throw `IdiolectError` `.invalidData` that names the file and
/// the key path. With a `default`, a missing or null value is no error, but a value of the wrong type is.
package struct JSONNode: Sendable {
  /// nil when the file has nothing here.
  package let value: JSONValue?
  /// The file, as messages name it.
  package let file: String
  /// Such as `encoder_config.layers[3]`; empty at the top.
  package let keyPath: String

  package init(_ value: JSONValue?, file: String, keyPath: String = "") {
    self.value = value
    self.file = file
    self.keyPath = keyPath
  }

  /// Reads a file.
  package init(path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw IdiolectError(.notFound, "\(path): no such file, or it cannot be read")
    }
    do {
      self.init(try JSONValue(parsing: data), file: path)
    } catch {
      throw IdiolectError(
        .invalidData, "\(path): not JSON that can be read: \(error)", cause: error)
    }
  }

  package subscript(key: String) -> JSONNode {
    JSONNode(value?[key], file: file, keyPath: keyPath.isEmpty ? key : "\(keyPath).\(key)")
  }

  package subscript(index: Int) -> JSONNode {
    JSONNode(value?[index], file: file, keyPath: "\(keyPath)[\(index)]")
  }

  /// Whether there is a value other than null.
  package var exists: Bool { value != nil && value != .null }

  /// A whole number; `4.0` counts as one.
  package func int(default fallback: Int? = nil) throws -> Int {
    switch value {
    case .integer(let value)?: value
    case .number(let value)?: try Int(exactly: value) ?? { throw refusal("a whole number") }()
    default: try missing(fallback, "a whole number")
    }
  }

  package func double(default fallback: Double? = nil) throws -> Double {
    switch value {
    case .integer(let value)?: Double(value)
    case .number(let value)?: value
    default: try missing(fallback, "a number")
    }
  }

  package func float(default fallback: Float? = nil) throws -> Float {
    Float(try double(default: fallback.map(Double.init)))
  }

  package func bool(default fallback: Bool? = nil) throws -> Bool {
    if case .bool(let value)? = value { value } else { try missing(fallback, "true or false") }
  }

  package func string(default fallback: String? = nil) throws -> String {
    if case .string(let value)? = value { value } else { try missing(fallback, "a string") }
  }

  package func array() throws -> [JSONNode] {
    guard case .array(let elements)? = value else { throw refusal("an array") }
    return elements.indices.map { self[$0] }
  }

  package func ints() throws -> [Int] { try array().map { try $0.int() } }
  package func strings() throws -> [String] { try array().map { try $0.string() } }

  /// The members of an object, in the order of the file.
  package func members() throws -> [(key: String, node: JSONNode)] {
    guard case .object(let object)? = value else { throw refusal("an object") }
    return object.keys.map { (key: $0, node: self[$0]) }
  }

  /// The error for a value here that is not `wanted`.
  package func refusal(_ wanted: String) -> IdiolectError {
    let place = keyPath.isEmpty ? "the top" : "'\(keyPath)'"
    let found = value.map { "is \($0.kind)" } ?? "is missing"
    return IdiolectError(.invalidData, "\(file): \(place) \(found), should be \(wanted)")
  }

  private func missing<T>(_ fallback: T?, _ wanted: String) throws -> T {
    guard let fallback, !exists else { throw refusal(wanted) }
    return fallback
  }
}
