/// The members of a JSON object, in the order of the file, looked up by the exact bytes of their keys.
///
/// A Swift dictionary would merge keys that are canonically equivalent (é as one scalar or as two);
/// a vocabulary may hold both, and they are different labels.
package struct JSONObject: Sendable, Equatable {
  package private(set) var keys: [String] = []
  package private(set) var values: [JSONValue] = []
  private var positions: [ExactString: Int] = [:]

  package init() {}

  /// Later members replace earlier ones of the same key.
  package init(_ members: [(String, JSONValue)]) {
    for (key, value) in members { self[key] = value }
  }

  package var count: Int { keys.count }
  package var members: Zip2Sequence<[String], [JSONValue]> { zip(keys, values) }

  /// Setting a new key appends it; setting nil removes the member.
  package subscript(key: String) -> JSONValue? {
    get { positions[ExactString(key)].map { values[$0] } }
    set {
      let exact = ExactString(key)
      switch (positions[exact], newValue) {
      case (let position?, let value?): values[position] = value
      case (nil, let value?):
        positions[exact] = keys.count
        keys.append(key)
        values.append(value)
      case (let position?, nil):
        keys.remove(at: position)
        values.remove(at: position)
        positions = [:]
        for (index, key) in keys.enumerated() { positions[ExactString(key)] = index }
      case (nil, nil): break
      }
    }
  }

  /// Equal when the same keys hold equal values, in any order.
  package static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.count == b.count && a.members.allSatisfy { key, value in b[key] == value }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

/// A string that equals only strings of the same bytes.
private struct ExactString: Hashable {
  let string: String

  init(_ string: String) { self.string = string }

  static func == (a: ExactString, b: ExactString) -> Bool {
    a.string.utf8.elementsEqual(b.string.utf8)
  }

  func hash(into hasher: inout Hasher) {
    var string = string
    string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
