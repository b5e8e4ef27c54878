import Basics
import Foundation
import TestSupport
import Testing

/// Oracle: RFC 8259, with JSONSerialization as second reader.
@Suite struct JSONValueTests {
  @Test func readsEveryKind() throws {
    let text = #"""
      { "a": [1, -2, 0, 2.5, 1e3, -1.5E-2, 9223372036854775807, 1000000000000000019884624838656],
        "b": {"t": true, "f": false, "n": null}, "e": {}, "l": [],
        "s": "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 ünï" }
      """#
    let value = try JSONValue(parsing: text)
    #expect(
      value == [
        "a": [1, -2, 0, 2.5, .number(1000), -0.015, .integer(.max), .number(1e30)],
        "b": ["t": true, "f": false, "n": nil], "e": [:], "l": [],
        "s": "\"\\/\u{8}\u{c}\n\r\té😀 ünï",
      ])
    #expect(value["a"]?[0] == 1 && value["a"]?[8] == nil && value["a"]?[-1] == nil)
    #expect(value["b"]?["t"] == true)
    #expect(value["x"] == nil && value["s"]?["x"] == nil)
    #expect(try JSONValue(parsing: "\u{FEFF}1") == 1)
    #expect(try JSONValue(parsing: "[NaN, -Infinity]")[1] == .number(-.infinity))
  }

  @Test(arguments: [
    "", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,",
    "{\"a\":1,}", "{a:1}", "{1:1}", "1 2", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "tru",
    "nul", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\n\"",
    "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\"", "'a'", "[1 2]", "{\"a\" 1}", "1e999", "--1",
    "[]]", "\u{0}", "// x", "\"\\u+123\"",
  ])
  func refuses(text: String) {
    #expect(throws: JSONFault.self) { try JSONValue(parsing: text) }
  }

  @Test func namesTheFault() {
    #expect(throws: JSONFault.duplicateKey("a", line: 2)) {
      try JSONValue(parsing: "{\"a\":1,\n\"\\u0061\":2}")
    }
    #expect(throws: JSONFault.notUTF8(line: 1)) {
      try JSONValue(parsing: Data([0x22, 0xC3, 0x28, 0x22]))
    }
    #expect(throws: JSONFault.notUTF8(line: 1)) {
      try JSONValue(parsing: Data([0x22, 0x5C, 0x6E, 0xFF, 0x22]))
    }
  }

  @Test(arguments: ["[", "{\"a\":", "[{\"a\":"])
  func depthIsLimited(opening: String) {
    #expect(throws: JSONFault.tooDeep(limit: 128, line: 1)) {
      try JSONValue(parsing: String(repeating: opening, count: 1_000_000))
    }
  }

  @Test func depthIsMeasuredOnSmallStacks() async throws {
    let text = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
    // Tasks run on threads with half a megabyte of stack.
    let value = try await Task.detached { try JSONValue(parsing: text) }.value
    #expect(value.text(.compact) == text)
  }

  /// é as one scalar and as two are different labels of a vocabulary.
  @Test func keysAreComparedByBytes() throws {
    let value = try JSONValue(parsing: "{\"\\u00e9\": 1, \"e\\u0301\": 2}")
    #expect(value["\u{e9}"] == 1 && value["e\u{301}"] == 2)
    let back = try JSONValue(parsing: value.text())
    #expect(back["\u{e9}"] == 1 && back["e\u{301}"] == 2)
  }

  @Test func objectKeepsOrderAndCanChange() throws {
    guard case .object(var object) = try JSONValue(parsing: #"{"z":1,"a":2,"m":3}"#) else {
      Issue.record("no object")
      return
    }
    object["a"] = nil
    object["absent"] = nil
    object["b"] = 4
    object["z"] = 5
    #expect(object.keys == ["z", "m", "b"] && object.count == 3)
    #expect(object["m"] == 3 && object["b"] == 4 && object["a"] == nil)
    #expect(JSONValue.object(object).text(.compact, sortedKeys: false) == #"{"z":5,"m":3,"b":4}"#)
  }

  @Test func textIsStable() throws {
    let value: JSONValue = [
      "b": [1, 2.5, [:], []], "a": ["y": nil, "x": "q\"\\\n\u{1}é"], "c": .number(.nan),
    ]
    let expected = #"""
      {
        "a": {
          "x": "q\"\\\n\u0001é",
          "y": null
        },
        "b": [
          1,
          2.5,
          {},
          []
        ],
        "c": null
      }

      """#
    #expect(value.text() == expected)
    #expect(
      value.text(.compact) == #"{"a":{"x":"q\"\\\n\u0001é","y":null},"b":[1,2.5,{},[]],"c":null}"#)
    #expect(try JSONValue(parsing: expected).text() == expected)
    let peer = try #require(
      try JSONSerialization.jsonObject(with: Data(expected.utf8)) as? [String: Any])
    #expect((peer["a"] as? [String: Any])?["x"] as? String == "q\"\\\n\u{1}é")
  }

  /// Python's `splitlines` ends a line at each of these; a manifest's line may hold none as it is.
  @Test func whatMightEndALineIsEscaped() throws {
    let text = "a\u{7F}\u{85}\u{9F}\u{A0}\u{200C}\u{2028}\u{2029}\u{202A}"
    let written = JSONValue.string(text).text(.compact)
    #expect(written == #""a\u007f\u0085\u009f\#u{A0}\#u{200C}\u2028\u2029\#u{202A}""#)
    #expect(try JSONValue(parsing: written) == .string(text))
  }

  @Test func contentIsByKind() {
    let values: [JSONValue] = [nil, true, 4, 4.5, "x", [1], ["k": 2]]
    #expect(values.map(\.isNull) == [true] + Array(repeating: false, count: 6))
    #expect(values.map(\.bool) == [nil, true, nil, nil, nil, nil, nil])
    #expect(values.map(\.integer) == [nil, nil, 4, nil, nil, nil, nil])
    #expect(values.map(\.double) == [nil, nil, 4, 4.5, nil, nil, nil])
    #expect(values.map(\.string) == [nil, nil, nil, nil, "x", nil, nil])
    #expect(values.map(\.array) == [nil, nil, nil, nil, nil, [1], nil])
    #expect(values.map(\.object) == [nil, nil, nil, nil, nil, nil, ["k": 2]])
    #expect(JSONValue.number(4).integer == 4)
    for number in [Double.nan, .infinity, 1e300] {
      #expect(JSONValue.number(number).integer == nil)
    }
  }

  @Test func faultsNameTheirLineOnlyWhenAsked() {
    let fault = JSONFault.tooDeep(limit: 8, line: 3)
    #expect(fault.line == 3 && fault.reason == "it is nested deeper than 8 levels")
    #expect(fault.description == "line 3: it is nested deeper than 8 levels")
  }

  @Test func numbersSurviveTheRoundTrip() throws {
    var random = SeededRandom(seed: 6)
    for _ in 0..<2000 {
      let number = Double(bitPattern: random.next())
      guard number.isFinite else { continue }
      let value = try JSONValue(parsing: JSONValue.number(number).text(.compact))
      #expect(value == .number(number))
    }
  }

  /// Whatever the bytes, they are refused or survive another round trip.
  @Test func randomFlipsNeverCrash() throws {
    let seed = Array(#"{"a":[1,-2.5e3,{"é":"\ud83d\ude00\n"}],"b":null,"c":[true,false,[]]}"#.utf8)
    var random = SeededRandom(seed: 12)
    for _ in 0..<20_000 {
      var bytes = seed
      for _ in 0..<(1 + random.integer(below: 4)) {
        bytes[random.integer(below: bytes.count)] ^= 1 << UInt8(random.integer(below: 8))
      }
      guard let value = try? JSONValue(parsing: Data(bytes)) else { continue }
      #expect(try JSONValue(parsing: value.text()).text() == value.text())
    }
  }
}
