import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Oracle: the sharded layout of Hugging Face, and what an index must not do.
@Suite struct WeightStoreTests {
  private func model(index: String) throws -> String {
    let directory = try Golden.temporaryDirectory()
    for (file, name) in [("x.safetensors", "a"), ("y.safetensors", "b")] {
      try SafetensorsWriter.write(
        [SafetensorsTensor(name, shape: [1]) { [1] }], to: "\(directory)/\(file)")
    }
    try AtomicFile.write(index, to: "\(directory)/model.safetensors.index.json")
    return directory
  }

  @Test func good() throws {
    let store = try WeightStore(
      directory: model(index: #"{"weight_map":{"a":"x.safetensors","b":"y.safetensors"}}"#))
    #expect(store.names == ["a", "b"])
    #expect(try store.readFloats("b") == [1])
  }

  @Test(arguments: [
    ("parent", #"{"weight_map":{"a":"../x.safetensors"}}"#, "not the name"),
    ("absolute", #"{"weight_map":{"a":"/etc/x.safetensors"}}"#, "not the name"),
    ("below", #"{"weight_map":{"a":"d/x.safetensors"}}"#, "not the name"),
    ("hidden", #"{"weight_map":{"a":".safetensors"}}"#, "not the name"),
    ("zero byte", #"{"weight_map":{"a":"x\u0000.safetensors"}}"#, "not the name"),
    ("other kind", #"{"weight_map":{"a":"passwd"}}"#, "not the name"),
    ("no map", "{}", "'weight_map' is missing"),
    ("empty map", #"{"weight_map":{}}"#, "empty"),
    ("number", #"{"weight_map":{"a":1}}"#, "'weight_map.a' is a number"),
    ("not JSON", "{", "not JSON"),
    ("missing shard", #"{"weight_map":{"a":"z.safetensors"}}"#, "z.safetensors"),
    (
      "missing tensor", #"{"weight_map":{"a":"x.safetensors","c":"x.safetensors"}}"#,
      "'c' is not in"
    ),
    ("wrong shard", #"{"weight_map":{"b":"x.safetensors","a":"y.safetensors"}}"#, "does not list"),
    ("unlisted", #"{"weight_map":{"b":"x.safetensors"}}"#, "does not list the tensor 'a'"),
  ])
  func bad(name: String, index: String, says: String) throws {
    let directory = try model(index: index)
    let error = #expect(throws: IdiolectError.self) { try WeightStore(directory: directory) }
    #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    #expect(error?.message.contains(directory) == true)
  }

  @Test func emptyDirectory() throws {
    let error = #expect(throws: IdiolectError.self) {
      try WeightStore(directory: Golden.temporaryDirectory())
    }
    #expect(error?.code == .notFound)
  }
}
