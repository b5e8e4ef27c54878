package import Foundation

/// Why bytes are not JSON that can be read.
package enum JSONFault: Error, Equatable, CustomStringConvertible {
  case malformed(String, line: Int)
  case notUTF8(line: Int)
  case duplicateKey(String, line: Int)
  case tooDeep(limit: Int, line: Int)

  package var description: String { "line \(line): \(reason)" }

  /// The line of the input, from 1.
  package var line: Int {
    switch self {
    case .malformed(_, let line), .notUTF8(let line), .duplicateKey(_, let line),
      .tooDeep(_, let line):
      line
    }
  }

  /// Why, without the line: for input that is itself one line of a file.
  package var reason: String {
    switch self {
    case .malformed(let why, _): why
    case .notUTF8: "it is not UTF-8"
    case .duplicateKey(let key, _): "the key '\(key)' is there twice"
    case .tooDeep(let limit, _): "it is nested deeper than \(limit) levels"
    }
  }
}

extension JSONValue {
  /// Reads JSON (RFC 8259), and the `NaN`, `Infinity` and `-Infinity` that Python writes.
  ///
  /// Safe on hostile bytes: depth is limited, duplicate keys and lone surrogates are refused.
  ///
  /// - Throws: `JSONFault`.
  package init(parsing data: Data, depthLimit: Int = 128) throws {
    self = try data.withUnsafeBytes { try JSONValue(parsing: $0, depthLimit: depthLimit) }
  }

  /// Reads JSON from bytes; see `init(parsing:depthLimit:)` over data.
  package init(parsing bytes: UnsafeRawBufferPointer, depthLimit: Int = 128) throws {
    var parser = JSONParser(bytes: bytes, depthLimit: depthLimit)
    self = try parser.document()
  }

  /// Reads the JSON in `text`.
  package init(parsing text: String, depthLimit: Int = 128) throws {
    try self.init(parsing: Data(text.utf8), depthLimit: depthLimit)
  }
}

private struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  let depthLimit: Int
  var position = 0

  init(bytes: UnsafeRawBufferPointer, depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }

  mutating func document() throws -> JSONValue {
    // A byte order mark is no JSON, but editors on Windows write one.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw malformed("something follows the end") }
    return value
  }

  private var line: Int {
    bytes[..<min(position, bytes.count)].reduce(1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
  }

  private func malformed(_ why: String) -> JSONFault { .malformed(why, line: line) }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  private mutating func takeWord(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard bytes.count - position >= count else { return false }
    for offset in 0..<count where bytes[position + offset] != word.utf8Start[offset] {
      return false
    }
    position += count
    return true
  }

  private mutating func value(depth: Int) throws -> JSONValue {
    guard depth <= depthLimit else { throw JSONFault.tooDeep(limit: depthLimit, line: line) }
    skipSpace()
    switch next {
    case nil: throw malformed("it ends too early")
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    default:
      if takeWord("true") { return .bool(true) }
      if takeWord("false") { return .bool(false) }
      if takeWord("null") { return .null }
      if takeWord("NaN") { return .number(.nan) }
      if takeWord("Infinity") { return .number(.infinity) }
      if takeWord("-Infinity") { return .number(-.infinity) }
      return try number()
    }
  }

  private mutating func object(depth: Int) throws -> JSONValue {
    position += 1
    var object = JSONObject()
    skipSpace()
    if take("}") { return .object(object) }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw malformed("a key in quotes is missing") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw malformed("a colon is missing after '\(key)'") }
      guard object[key] == nil else { throw JSONFault.duplicateKey(key, line: line) }
      object[key] = try value(depth: depth + 1)
      skipSpace()
      if take("}") { return .object(object) }
      guard take(",") else { throw malformed("a comma or a closing brace is missing") }
    }
  }

  private mutating func array(depth: Int) throws -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take("]") { return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take("]") { return .array(elements) }
      guard take(",") else { throw malformed("a comma or a closing bracket is missing") }
    }
  }

  private mutating func number() throws -> JSONValue {
    let start = position
    func digits(_ parser: inout JSONParser) throws {
      let first = parser.position
      while let byte = parser.next, (0x30...0x39).contains(byte) { parser.position += 1 }
      guard parser.position > first else { throw parser.malformed("no value stands here") }
    }
    _ = take("-")
    let leading = position
    try digits(&self)
    guard position == leading + 1 || bytes[leading] != UInt8(ascii: "0") else {
      throw malformed("a number begins with 0")
    }
    var whole = true
    if take(".") {
      whole = false
      try digits(&self)
    }
    if take("e") || take("E") {
      whole = false
      if !take("+") { _ = take("-") }
      try digits(&self)
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if whole, let integer = Int(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else {
      throw malformed("a number is too large")
    }
    return .number(number)
  }

  private mutating func string() throws -> String {
    position += 1
    let start = position
    // Most strings have no escape: they are taken from the bytes whole.
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      position += 1
    }
    if next == UInt8(ascii: "\"") {
      defer { position += 1 }
      return try text(bytes[start..<position])
    }
    var unescaped = [UInt8](bytes[start..<position])
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return try unescaped.withUnsafeBytes { try text($0[...]) }
      case UInt8(ascii: "\\"): try escape(into: &unescaped)
      case 0..<0x20: throw malformed("a control character stands in a string")
      default: unescaped.append(byte)
      }
    }
    throw malformed("a string has no end")
  }

  private func text(_ slice: Slice<UnsafeRawBufferPointer>) throws -> String {
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw JSONFault.notUTF8(line: line)
    }
    return text
  }

  private mutating func escape(into output: inout [UInt8]) throws {
    guard let byte = next else { throw malformed("a string has no end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(byte)
    case UInt8(ascii: "b"): output.append(0x08)
    case UInt8(ascii: "f"): output.append(0x0C)
    case UInt8(ascii: "n"): output.append(0x0A)
    case UInt8(ascii: "r"): output.append(0x0D)
    case UInt8(ascii: "t"): output.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code) {
        guard takeWord("\\u") else { throw malformed("half a surrogate pair stands in a string") }
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else {
          throw malformed("half a surrogate pair stands in a string")
        }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw malformed("half a surrogate pair stands in a string")
      }
      output.append(contentsOf: UTF8.encode(scalar)!)
    default: throw malformed("a string has an unknown escape")
    }
  }

  private mutating func hexadecimal() throws -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw malformed("an escape lacks its four digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
