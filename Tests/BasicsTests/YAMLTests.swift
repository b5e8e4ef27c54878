import Basics
import Foundation
import Testing

/// YAML as configurations are written in it. Oracle: PyYAML's safe_load of the same text.
@Suite struct YAMLTests {
  private func read(_ text: String) throws -> JSONValue { try JSONValue(yaml: Data(text.utf8)) }

  @Test func whatConfigurationsHold() throws {
    let value = try read(
      """
      model:
        name: 'n'
        rate: 1.0e-05
        count: 16_000
        size: -1
        on: true
        off: no
        none: ~
        empty:
        text: "yes: \\u00e9"
        words: two words
        far: -.inf
      list:
      - ' '
      - a
      - null
      - [1, [2]]
      - {x: 1}
      same: &a
        k: v
      again: *a
      1: one
      """)
    #expect(
      value == [
        "model": [
          "name": "n", "rate": 1e-5, "count": 16_000, "size": -1, "on": true, "off": false,
          "none": nil, "empty": nil, "text": "yes: é", "words": "two words",
          "far": .number(-.infinity),
        ],
        "list": [" ", "a", nil, [1, [2]], ["x": 1]],
        "same": ["k": "v"], "again": ["k": "v"], "1": "one",
      ])
    #expect(try read("") == .null)
    #expect(try read("[]") == [])
  }

  /// Doubling by aliases, depth without end, what is no YAML: one error that says where, and no more.
  @Test(arguments: [
    ("a: [1, 2", "line"), ("a: *b", "no anchor 'b'"), ("a: b: c", "line 1"),
    (String(repeating: "[", count: 500), "nests too deep"),
    (
      "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + (1..<9).map { n in
          "a\(n): &a\(n) [" + (0..<10).map { _ in "*a\(n - 1)" }.joined(separator: ", ") + "]\n"
        }.joined(), "too many values"
    ), ("\u{0}", "line"), ("%YAML 9.9\n---\na: 1", "line"), ("[a]: 1", "a key is no text"),
  ])
  func refusals(_ text: String, _ reason: String) {
    let error = #expect(throws: IdiolectError.self) { try read(text) }
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
  }

  /// Every prefix and thousands of damaged copies are read or refused.
  @Test func damage() throws {
    let text = Array("a: [1, {b: 'c'}]\nd: &x |\n  text\ne: *x\nf: !!str 3\n".utf8)
    var random = SeededRandom(seed: 1)
    for length in 0...text.count { _ = try? JSONValue(yaml: Data(text.prefix(length))) }
    for _ in 0..<4000 {
      var copy = text
      for _ in 0..<1 + Int(random.uniform() * 4) {
        copy[Int(random.uniform() * Float(copy.count))] = UInt8(random.uniform() * 255)
      }
      _ = try? JSONValue(yaml: Data(copy))
    }
  }
}
