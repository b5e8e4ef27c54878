import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Against files that torch.save wrote: Scripts/golden/torch_files.py.
@Suite struct TorchFileTests {
  private func path(_ name: String) -> String { "\(Golden.directory)/torch/\(name)" }

  @Test(arguments: ["archive.pt", "older.bin", "protocol4.pt", "lightning.ckpt", "module.pth"])
  func weights(_ name: String) throws {
    let file = try TorchFile(path: path(name))
    let values = try Golden.array("torch/values")
    #expect(file.entries["layer.weight"]?.shape == [3, 4])
    #expect(try file.readFloats("layer.weight") == values.values)
  }

  @Test(arguments: ["archive.pt", "older.bin", "protocol4.pt"])
  func everyType(_ name: String) throws {
    let file = try TorchFile(path: path(name))
    #expect(
      file.names == [
        "layer.weight", "layer.bias", "norm.running_var", "norm.num_batches_tracked", "scalar",
        "empty", "flags", "first", "second",
      ])
    #expect(try file.readFloats("layer.bias") == [1.5, -2])
    #expect(try file.readFloats("norm.running_var") == [3, 0.25])
    #expect(try file.readInt64s("norm.num_batches_tracked") == [7])
    #expect(try file.readFloats("scalar") == [2.5] && file.entry("scalar").shape == [])
    #expect(try file.readFloats("empty") == [] && file.entry("empty").shape == [0, 3])
    #expect(try file.readInt64s("flags") == [1, 0])
    #expect(try file.readFloats("first") == [0, 1] && file.readFloats("second") == [2, 3, 4, 5])
    #expect(throws: IdiolectError.self) { try file.readFloats("flags") }
  }

  /// A directory's pytorch_model.bin, and its shards.
  @Test func directories() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try FileManager.default.copyItem(
      atPath: path("module.pth"), toPath: "\(directory)/pytorch_model.bin")
    #expect(try WeightStore(directory: directory).names == ["layer.bias", "layer.weight"])
    try FileManager.default.moveItem(
      atPath: "\(directory)/pytorch_model.bin", toPath: "\(directory)/part-1.bin")
    let index = #"{"weight_map": {"layer.weight": "part-1.bin", "layer.bias": "part-1.bin"}}"#
    try AtomicFile.write(index, to: "\(directory)/pytorch_model.bin.index.json")
    #expect(try WeightStore(directory: directory).readFloats("layer.weight").count == 12)
  }

  @Test(arguments: [
    ("refused_view.pt", "view"), ("refused_harm.pt", "posix.system"),
    ("refused_module.pt", "torch.nn.modules"), ("refused_list.pt", "no dictionary"),
    ("refused_pickle.bin", "neither"), ("refused_compressed.pt", "compressed"),
  ])
  func refused(_ name: String, _ cause: String) {
    let error = #expect(throws: IdiolectError.self) { try TorchFile(path: path(name)) }
    #expect(error?.code == .invalidModel)
    #expect(error?.message.hasPrefix(path(name)) == true, "\(error?.message ?? "")")
    #expect(error?.message.contains(cause) == true, "\(error?.message ?? "")")
    #expect(!FileManager.default.fileExists(atPath: "/tmp/idiolect-was-harmed"))
  }

  /// Nested without end, in every way that a pickle can.
  @Test func bottomless() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = "\(directory)/deep.bin"
    let head: [UInt8] = [
      0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]
    let version: [UInt8] = [0x80, 2, 0x4D, 0xE9, 3, 0x2E, 0x80, 2, 0x4E, 0x2E, 0x80, 2]
    let count = 300_000
    // Tuples of one, lists in lists, marks, dictionaries.
    for body in [
      [0x4E] + [UInt8](repeating: 0x85, count: count),
      [UInt8](repeating: 0x5D, count: count) + [UInt8](repeating: 0x61, count: count - 1),
      [UInt8](repeating: 0x28, count: count),
      [UInt8](repeating: 0x7D, count: count),
    ] {
      try Data(head + version + body + [0x2E]).write(to: URL(fileURLWithPath: path))
      #expect(throws: IdiolectError.self) { try TorchFile(path: path) }
    }
  }

  /// Cut short or with bytes changed: an error that names the file, or tensors that can be read; never more.
  @Test(arguments: ["archive.pt", "older.bin", "protocol4.pt", "lightning.ckpt"])
  func damaged(_ name: String) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let whole = try #require(FileManager.default.contents(atPath: path(name)))
    var random = SeededRandom(seed: 7)
    for round in 0..<1000 {
      var bytes = [UInt8](whole)
      if round % 4 == 0 { bytes.removeLast(random.integer(below: bytes.count)) }
      for _ in 0..<(round % 4 == 0 ? 1 : 1 + random.integer(below: 8)) where !bytes.isEmpty {
        bytes[random.integer(below: bytes.count)] = UInt8(random.integer(below: 256))
      }
      let path = "\(directory)/\(name)"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do {
        let file = try TorchFile(path: path)
        for name in file.names { _ = try? file.readFloats(name) }
      } catch let error as IdiolectError {
        #expect(error.message.hasPrefix(path), "\(error.message)")
      }
    }
  }
}
