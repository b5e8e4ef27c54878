import Basics
import Foundation
import TestSupport
import Testing

/// Oracle: the message names the file and the key path.
@Suite struct JSONNodeTests {
  private func node(_ text: String) throws -> JSONNode {
    let path = try Golden.temporaryDirectory() + "/config.json"
    try AtomicFile.write(text, to: path)
    return try JSONNode(path: path)
  }

  private func message(_ body: () throws -> Any) -> String {
    do { return "no error: \(try body())" } catch let error as IdiolectError {
      return error.message
    } catch { return "another error: \(error)" }
  }

  @Test func readsTypedValues() throws {
    let config = try node(
      #"{"e":{"size":4,"whole":4.0,"rate":0.5,"on":true,"name":"x","list":[1,2],"none":null}}"#)
    let e = config["e"]
    #expect(try e["size"].int() == 4 && e["whole"].int() == 4)
    #expect(try e["rate"].double() == 0.5 && e["rate"].float() == 0.5 && e["size"].double() == 4)
    #expect(try e["on"].bool() && e["name"].string() == "x")
    #expect(try e["list"].ints() == [1, 2] && e["list"].array()[1].keyPath == "e.list[1]")
    #expect(try config.members().map(\.key) == ["e"])
    #expect(try e["absent"].int(default: 7) == 7 && e["none"].string(default: "d") == "d")
    #expect(try e["absent"]["below"][3].bool(default: true))
    #expect(e["size"].exists && !e["none"].exists && !e["absent"].exists)
  }

  @Test func namesFileAndKeyPath() throws {
    let config = try node(#"{"e":{"size":"4","half":1.5,"huge":1e300,"list":[1,"a"]}}"#)
    func says(_ wanted: String, _ body: () throws -> Any) {
      #expect(message(body) == "\(config.file): \(wanted)")
    }
    says("'e.size' is a string, should be a whole number") { try config["e"]["size"].int() }
    says("'e.size' is a string, should be a whole number") {
      try config["e"]["size"].int(default: 3)
    }
    says("'e.half' is a number, should be a whole number") { try config["e"]["half"].int() }
    says("'e.huge' is a number, should be a whole number") { try config["e"]["huge"].int() }
    says("'e.list[1]' is a string, should be a whole number") { try config["e"]["list"].ints() }
    says("'x.y' is missing, should be a string") { try config["x"]["y"].string() }
    says("'e' is an object, should be an array") { try config["e"].array() }
    says("the top is an object, should be true or false") { try config.bool() }
    says("'e.list' is an array, should be an object") { try config["e"]["list"].members() }
  }

  @Test func namesBrokenFiles() throws {
    let error = #expect(throws: IdiolectError.self) { try node("{\n\"a\": }") }
    #expect(error?.code == .invalidData)
    #expect(
      error?.message.hasSuffix("not JSON that can be read: line 2: no value stands here") == true)
    let absent = #expect(throws: IdiolectError.self) { try JSONNode(path: "/absent.json") }
    #expect(absent?.code == .notFound)
  }
}
