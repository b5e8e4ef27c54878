import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Against files that torch.save wrote: Scripts/golden/torch_files.py.
@Suite struct TorchFileTests {
  private func path(_ name: String) -> String { "\(Golden.directory)/torch/\(name)" }

  @Test(
    arguments: [
      "archive.pt", "older.bin", "protocol4.pt", "lightning.ckpt", "module.pth", "views.pt",
    ])
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

  /// Tensors that lie in their storage by strides.
  @Test func views() throws {
    let file = try TorchFile(path: path("views.pt"))
    let weight = try Golden.array("torch/values").values
    #expect(try file.entry("columns").shape == [3, 2] && file.entry("columns").count == 6)
    #expect(try file.readFloats("columns") == [1, 2, 5, 6, 9, 10].map { weight[$0] })
    #expect(try file.readFloats("steps") == [1, 4, 7, 10])
    let half = (0..<4).flatMap { column in
      (0..<3).map { Float(Float16(weight[4 * $0 + column])) }
    }
    #expect(try file.entry("half").shape == [4, 3] && file.readFloats("half") == half)
    var counts: [Int64] = []
    for last in 0..<4 {
      for index in 0..<6 { counts.append(Int64(12 * (index / 3) + 4 * (index % 3) + last)) }
    }
    #expect(try file.entry("counts").shape == [4, 2, 3] && file.readInt64s("counts") == counts)
  }

  /// A storage of twelve elements, 0 … 11, with whatever a file may say of its one tensor.
  @Test(
    arguments: [
      ([3, 4], [4, 1], 0, Array(0..<12)),
      ([4, 3], [1, 4], 0, [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]),
      ([2, 2], [6, 2], 3, [3, 5, 9, 11]), ([1, 3], [.max, 4], 0, [0, 4, 8]),
      ([3, 1], [4, .max], 1, [1, 5, 9]), ([2, 3], [1, 1], 0, nil), ([0, 5], [9, 9], 12, []),
      ([], [], 11, [11]), ([2, 2, 3], [1, 6, 2], 0, [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]),
      // Beyond the storage, or beyond what can be counted.
      ([3, 4], [5, 1], 0, nil), ([12], [1], 1, nil), ([2], [12], 0, nil),
      ([2, 2], [6, 3], 3, nil),
      ([2], [.max], 0, nil), ([3], [.max], 0, nil), ([2], [.max - 1], 0, nil),
      ([2], [1 << 62], 0, nil),
      ([2], [1 << 61], 0, nil), ([2, 2], [.max / 2, .max / 2 + 1], 0, nil), ([1], [1], .max, nil),
      ([2], [2], .max - 1, nil), ([2], [3], .max / 4, nil), ([.max], [1], 0, nil),
      ([1 << 32, 1 << 32], [1, 1], 0, nil), ([1 << 62, 4], [0, 0], 0, nil),
      ([.max, 2], [0, 3], 0, nil),
      ([1 << 40], [0], 0, nil), ([13], [0], 0, nil), ([3, 4], [-4, 1], 0, nil), ([-3], [1], 0, nil),
      ([2], [6], -1, nil), ([3, 4], [1], 0, nil),
    ] as [([Int], [Int], Int, [Int]?)])
  func strides(_ shape: [Int], _ strides: [Int], _ first: Int, _ expected: [Int]?) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = "\(directory)/x.bin"
    func little(_ number: Int) -> [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    func text(_ text: String) -> [UInt8] { [0x58, UInt8(text.utf8.count), 0, 0, 0] + text.utf8 }
    func number(_ number: Int) -> [UInt8] { [0x8A, 8] + little(number) }
    func tuple(_ items: [[UInt8]]) -> [UInt8] { [0x28] + items.flatMap { $0 } + [0x74] }
    func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    let storage = tuple([
      text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), number(12),
    ])
    let arguments = tuple([
      storage + [0x51], number(first), tuple(shape.map(number)), tuple(strides.map(number)), [0x89],
      global("collections", "OrderedDict") + [0x29, 0x52],
    ])
    let tensor = global("torch._utils", "_rebuild_tensor_v2") + arguments + [0x52]
    let start: [UInt8] = [0x80, 2]
    let parts: [[UInt8]] = [
      [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19], [0x4D, 0xE9, 3],
      [0x4E],
      [0x7D] + text("x") + tensor + [0x73], [0x5D] + text("0") + [0x61],
    ]
    let values = (0..<12).flatMap { place in
      withUnsafeBytes(of: Float(place).bitPattern.littleEndian) { [UInt8]($0) }
    }
    let bytes = parts.flatMap { start + $0 + [0x2E] } + little(12) + values
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    if let expected {
      let file = try TorchFile(path: path)
      #expect(try file.readFloats("x") == expected.map(Float.init))
      #expect(try file.entry("x").shape == shape && file.entry("x").count == expected.count)
    } else {
      let error = #expect(throws: IdiolectError.self) { try TorchFile(path: path) }
      #expect(error?.code == .invalidModel && error?.message.hasPrefix(path) == true)
      #expect(error?.message.contains("'x'") == true || error?.message.contains("storage") == true)
    }
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

  /// A directory's weights by another name; those of the names before it come first.
  @Test(arguments: ["pytorch_model.pt", "pytorch_model.ckpt", "model.pt", "model.ckpt"])
  func otherNames(_ name: String) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    // Its tensors lie under state_dict.
    try FileManager.default.copyItem(
      atPath: path("lightning.ckpt"), toPath: "\(directory)/\(name)")
    let store = try WeightStore(directory: directory)
    #expect(store.files.map(\.path) == ["\(directory)/\(name)"])
    #expect(try store.readFloats("layer.weight") == Golden.array("torch/values").values)
    try FileManager.default.copyItem(
      atPath: path("module.pth"), toPath: "\(directory)/pytorch_model.bin")
    #expect(
      try WeightStore(directory: directory).files.map(\.path) == ["\(directory)/pytorch_model.bin"])
  }

  @Test(arguments: [
    ("refused_repeated.pt", "repeats"), ("refused_harm.pt", "posix.system"),
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
  @Test(arguments: ["archive.pt", "older.bin", "protocol4.pt", "lightning.ckpt", "views.pt"])
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
        for name in file.names {
          _ = try? file.readFloats(name)
          _ = try? file.readInt64s(name)
        }
      } catch let error as IdiolectError {
        #expect(error.message.hasPrefix(path), "\(error.message)")
      }
    }
  }
}
