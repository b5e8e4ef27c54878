import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Oracle: files and values that Python's safetensors and PyTorch wrote (`Scripts/golden/safetensors_files.py`).
@Suite struct SafetensorsPythonTests {
  let directory = "\(Golden.directory)/safetensors"

  @Test(arguments: ["weight", "half", "brain", "double"])
  func readsFloats(name: String) throws {
    let file = try SafetensorsFile(path: "\(directory)/mixed.safetensors")
    let expected = try Golden.array("safetensors/mixed_\(name)")
    #expect(try file.entry(name).shape == expected.shape)
    #expect(try file.readFloats(name) == expected.values)
  }

  @Test func readsTheRest() throws {
    let file = try SafetensorsFile(path: "\(directory)/mixed.safetensors")
    #expect(file.entries.count == 11)
    #expect(file.metadata == ["format": "pt", "note": "línea\n2"])
    #expect(try file.entry("scalar").shape == [])
    #expect(try file.readFloats("scalar") == [2.5])
    #expect(try file.entry("empty").shape == [0, 4])
    #expect(try file.readFloats("empty") == [])
    #expect(try file.readInt64s("norm.num_batches_tracked") == [123_456_789_012])
    #expect(try file.readInt64s("bytes") == [0, 1, 255])
    #expect(try file.readInt64s("flags") == [1, 0, 1])
    #expect(try file.readInt64s("short") == [-32768, 32767])
    #expect(try file.readFloats("ключ \"quoted\" \\ é").count == 2)
    #expect(throws: IdiolectError.self) { try file.readFloats("bytes") }
    #expect(throws: IdiolectError.self) { try file.readInt64s("weight") }
    #expect(throws: IdiolectError.self) { try file.readFloats("absent") }
  }

  @Test(arguments: ["half", "brain"])
  func widensSixteenBits(name: String) throws {
    let file = try SafetensorsFile(path: "\(directory)/formats.safetensors")
    let expected = try Golden.array("safetensors/formats_\(name)").values.map(\.bitPattern)
    #expect(try file.readFloats(name).map(\.bitPattern) == expected)
  }

  @Test(arguments: [("half", SafetensorsTensor.Storage.float16), ("brain", .bfloat16)])
  func roundsToSixteenBits(name: String, storage: SafetensorsTensor.Storage) throws {
    let values = try Golden.array("safetensors/rounding_input").values
    let expected = try Golden.array("safetensors/rounding_\(name)").values.map { Int16($0) }
    let path = try Golden.temporaryDirectory() + "/rounded.safetensors"
    try SafetensorsWriter.write(
      [SafetensorsTensor("x", shape: [values.count], storage: storage) { values }], to: path)
    let range = try SafetensorsFile(path: path).entry("x").byteRange
    let bytes = try #require(FileManager.default.contents(atPath: path))[range]
    let stored = Data(bytes).withUnsafeBytes { raw in
      (0..<values.count).map { raw.loadUnaligned(fromByteOffset: $0 * 2, as: Int16.self) }
    }
    #expect(stored == expected)
  }

  @Test func opensShards() throws {
    let store = try WeightStore(directory: "\(directory)/sharded")
    #expect(store.names == ["a.bias", "a.weight", "b.weight"])
    #expect(store.files.count == 2)
    #expect(store["b.weight"]?.shape == [2, 4])
    #expect(try store.readFloats("b.weight") == Golden.array("safetensors/sharded_b").values)
    #expect(store["c"] == nil && !store.contains("c"))
    #expect(throws: IdiolectError.self) { try store.readFloats("c") }
  }
}
