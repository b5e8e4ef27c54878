import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Oracle: the safetensors specification; every file here breaks one rule of it.
@Suite struct SafetensorsHostileTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let accepts: @Sendable (SafetensorsFault) -> Bool

    /// A header, a body of zeros, and the fault that must be named.
    init(
      _ name: String, _ header: String, body: Int = 0, claims: UInt64? = nil,
      _ accepts: @escaping @Sendable (SafetensorsFault) -> Bool
    ) {
      self.init(name, Array(header.utf8), body: body, claims: claims, accepts)
    }

    init(
      _ name: String, _ header: [UInt8], body: Int = 0, claims: UInt64? = nil,
      _ accepts: @escaping @Sendable (SafetensorsFault) -> Bool
    ) {
      testDescription = name
      let size = claims ?? UInt64(header.count)
      bytes =
        (0..<8).map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) } + header
        + [UInt8](repeating: 0, count: body)
      self.accepts = accepts
    }
  }

  static func tensor(_ shape: String, _ offsets: String, _ type: String = "\"F32\"") -> String {
    "{\"dtype\":\(type),\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  static func one(_ shape: String, _ offsets: String, _ type: String = "\"F32\"") -> String {
    "{\"a\":\(tensor(shape, offsets, type))}"
  }

  static func isMalformed(_ fault: SafetensorsFault) -> Bool {
    if case .malformedEntry("a", _) = fault { true } else { false }
  }

  static func isNotJSON(_ fault: SafetensorsFault) -> Bool {
    if case .headerNotJSON = fault { true } else { false }
  }

  static let headerCases: [Case] = [
    Case("claims 2^64 - 1", "{}", claims: .max) {
      if case .headerTooLarge(.max, _) = $0 { true } else { false }
    },
    Case("claims 2^63", "{}", claims: 1 << 63) {
      if case .headerTooLarge = $0 { true } else { false }
    },
    Case("claims 1 GB", "{}", claims: 1 << 30) {
      if case .headerTooLarge = $0 { true } else { false }
    },
    Case("claims one more byte", "{}", claims: 3) {
      $0 == .headerBeyondFile(bytes: 3, available: 2)
    },
    Case("empty header", "") { $0 == .headerNotAnObject },
    Case("array", "[]") { $0 == .headerNotAnObject },
    Case("leading space", " {}") { $0 == .headerNotAnObject },
    Case("no end", "{\"a\":", isNotJSON),
    Case("trailing junk", "{} x", isNotJSON),
    Case("trailing zero", "{}\0", isNotJSON),
    Case("two objects", "{}{}", isNotJSON),
    Case("trailing comma", "{\"__metadata__\":{},}", isNotJSON),
    Case("not UTF-8", [0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D]) { $0 == .headerNotUTF8 },
    Case("half a surrogate", "{\"\\ud800\":1}", isNotJSON),
    Case("deep arrays", "{\"a\":" + String(repeating: "[", count: 100_000)) {
      $0 == .headerTooDeep
    },
    Case("deep objects", String(repeating: "{\"a\":", count: 100_000)) { $0 == .headerTooDeep },
    Case("metadata of numbers", "{\"__metadata__\":{\"a\":1}}") { $0 == .metadataNotStrings },
    Case("metadata is a string", "{\"__metadata__\":\"a\"}") { $0 == .metadataNotStrings },
    Case("uncovered body", "{}", body: 1) { $0 == .uncoveredEnd(bytes: 1) },
  ]

  static let entryCases: [Case] = [
    Case("entry is a number", "{\"a\":1}", isMalformed),
    Case("entry is null", "{\"a\":null}", isMalformed),
    Case("no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", body: 4, isMalformed),
    Case("dtype is a number", one("[1]", "[0,4]", "4"), body: 4, isMalformed),
    Case("unknown dtype", one("[1]", "[0,4]", "\"F31\""), body: 4) {
      $0 == .unknownType("a", type: "F31")
    },
    Case("no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", body: 4, isMalformed),
    Case("shape is a number", one("1", "[0,4]"), body: 4, isMalformed),
    Case("negative shape", one("[-1]", "[0,4]"), body: 4, isMalformed),
    Case("fractional shape", one("[1.5]", "[0,6]"), body: 6, isMalformed),
    Case("shape beyond 64 bits", one("[18446744073709551617]", "[0,4]"), body: 4, isMalformed),
    Case("shape product overflows", one("[4611686018427387904,4]", "[0,0]")) {
      $0 == .shapeTooLarge("a")
    },
    Case("shape times size overflows", one("[4611686018427387904]", "[0,0]")) {
      $0 == .shapeTooLarge("a")
    },
    Case("one offset", one("[1]", "[4]"), body: 4, isMalformed),
    Case("three offsets", one("[1]", "[0,4,8]"), body: 4, isMalformed),
    Case("negative offset", one("[1]", "[-4,0]"), body: 4, isMalformed),
    Case("offsets reversed", one("[1]", "[4,0]"), body: 4) { $0 == .offsetsReversed("a") },
    Case("too few bytes", one("[2]", "[0,4]"), body: 4) {
      $0 == .sizeMismatch("a", shape: [2], needs: 8, has: 4)
    },
    Case("beyond the file", one("[2]", "[0,8]"), body: 4) { $0 == .outsideFile("a") },
    Case("far beyond the file", one("[1]", "[9223372036854775803,9223372036854775807]"), body: 4) {
      $0 == .outsideFile("a")
    },
    Case("gap at the start", one("[1]", "[4,8]"), body: 8) { $0 == .gap(before: "a", bytes: 4) },
    Case("uncovered end", one("[1]", "[0,4]"), body: 5) { $0 == .uncoveredEnd(bytes: 1) },
    Case(
      "gap between", "{\"a\":\(tensor("[1]", "[0,4]")),\"b\":\(tensor("[1]", "[8,12]"))}", body: 12
    ) { $0 == .gap(before: "b", bytes: 4) },
    Case(
      "overlap", "{\"a\":\(tensor("[2]", "[0,8]")),\"b\":\(tensor("[1]", "[4,8]"))}", body: 8
    ) { $0 == .overlap("a", "b") },
    Case(
      "shared bytes", "{\"a\":\(tensor("[1]", "[0,4]")),\"b\":\(tensor("[1]", "[0,4]"))}", body: 4
    ) { $0 == .overlap("a", "b") },
    Case(
      "name twice", "{\"a\":\(tensor("[1]", "[0,4]")),\"a\":\(tensor("[1]", "[4,8]"))}", body: 8
    ) { $0 == .duplicateName("a") },
    Case(
      "name twice by an escape",
      "{\"a\":\(tensor("[1]", "[0,4]")),\"\\u0061\":\(tensor("[1]", "[4,8]"))}", body: 8
    ) { $0 == .duplicateName("a") },
    Case(
      "name twice but for its canonical form",
      "{\"\\u00e9\":\(tensor("[1]", "[0,4]")),\"e\\u0301\":\(tensor("[1]", "[4,8]"))}", body: 8
    ) { $0 == .duplicateName("\u{e9}") },
    Case(
      "dtype twice",
      "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,4]}}", body: 4
    ) { $0 == .duplicateName("dtype") },
  ]

  @Test(arguments: headerCases + entryCases)
  func isRefused(hostile: Case) throws {
    let path = try Golden.temporaryDirectory() + "/hostile.safetensors"
    try AtomicFile.write(Data(hostile.bytes), to: path)
    let error = #expect(throws: IdiolectError.self) { try SafetensorsFile(path: path) }
    #expect(error?.code == .invalidModel)
    #expect(error?.message.hasPrefix(path) == true)
    let fault = try #require(error?.cause as? SafetensorsFault)
    #expect(hostile.accepts(fault), "named \(fault)")
  }

  @Test(arguments: 0..<8)
  func tooShort(size: Int) throws {
    let path = try Golden.temporaryDirectory() + "/short.safetensors"
    try AtomicFile.write(Data(count: size), to: path)
    let error = #expect(throws: IdiolectError.self) { try SafetensorsFile(path: path) }
    #expect(error?.cause as? SafetensorsFault == .tooShort(bytes: size))
  }

  @Test func whatIsNoFile() throws {
    let directory = try Golden.temporaryDirectory()
    #expect(throws: IdiolectError.self) { try SafetensorsFile(path: directory) }
    let error = #expect(throws: IdiolectError.self) {
      try SafetensorsFile(path: directory + "/absent")
    }
    #expect(error?.code == .notFound)
    try #require(mkfifo(directory + "/pipe", 0o600) == 0)
    let pipe = #expect(throws: IdiolectError.self) {
      try SafetensorsFile(path: directory + "/pipe")
    }
    #expect(pipe?.cause as? SafetensorsFault == .notARegularFile)
  }

  @Test func emptyModelIsNoFault() throws {
    let path = try Golden.temporaryDirectory() + "/empty.safetensors"
    try SafetensorsWriter.write([], metadata: [:], to: path)
    #expect(try SafetensorsFile(path: path).entries.isEmpty)
  }

  /// Whatever the bytes, the file is refused or all of it can be read.
  @Test(arguments: 0..<4)
  func randomFlipsNeverCrash(seed: Int) throws {
    let golden = try #require(
      FileManager.default.contents(atPath: "\(Golden.directory)/safetensors/mixed.safetensors"))
    let headerEnd = 8 + Int(golden[0]) + Int(golden[1]) << 8
    let path = try Golden.temporaryDirectory() + "/flipped.safetensors"
    var random = SeededRandom(seed: UInt64(seed))
    var opened = 0
    for round in 0..<500 {
      var bytes = golden
      for _ in 0..<(1 + random.integer(below: 4)) {
        bytes[random.integer(below: headerEnd)] ^= 1 << UInt8(random.integer(below: 8))
      }
      if round % 5 == 0 { bytes = bytes.prefix(random.integer(below: bytes.count)) }
      try bytes.write(to: URL(fileURLWithPath: path))
      do {
        let file = try SafetensorsFile(path: path)
        opened += 1
        for name in file.names {
          _ = try? file.readFloats(name)
          _ = try? file.readInt64s(name)
        }
      } catch let error as IdiolectError {
        #expect(error.code == .invalidModel)
      }
    }
    #expect(opened > 0 && opened < 500)
  }
}
