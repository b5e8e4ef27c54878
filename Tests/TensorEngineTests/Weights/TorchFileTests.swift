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
    let half = (0..<12).map { (place: Int) -> Float in
      Float(Float16(weight[4 * (place % 3) + place / 3]))
    }
    #expect(try file.entry("half").shape == [4, 3] && file.readFloats("half") == half)
    let counts = (0..<24).map { (place: Int) -> Int64 in Int64(4 * (place % 6) + place / 6) }
    #expect(try file.entry("counts").shape == [4, 2, 3] && file.readInt64s("counts") == counts)
  }

  /// What a file may say of a tensor, and what is read of 0 … 11; nil where it is to be refused.
  struct View: Sendable {
    let shape, strides: [Int]
    let first: Int
    let read: [Int]?

    init(_ shape: [Int], _ strides: [Int], _ first: Int = 0, reads read: [Int]? = nil) {
      (self.shape, self.strides, self.first, self.read) = (shape, strides, first, read)
    }
  }

  static let viewsWithin = [
    View([3, 4], [4, 1], reads: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    View([4, 3], [1, 4], reads: [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]),
    View([2, 2], [6, 2], 3, reads: [3, 5, 9, 11]), View([1, 3], [.max, 4], reads: [0, 4, 8]),
    View([3, 1], [4, .max], 1, reads: [1, 5, 9]), View([0, 5], [9, 9], 12, reads: []),
    View([], [], 11, reads: [11]),
    View([2, 2, 3], [1, 6, 2], reads: [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]),
  ]
  private static let (half, quarter): (Int, Int) = (.max / 2 + 1, .max / 4 + 1)
  static let viewsBeyond = [
    View([3, 4], [5, 1]), View([12], [1], 1), View([2], [12]), View([2, 2], [6, 3], 3),
    View([2], [.max]), View([3], [.max]), View([2], [.max - 1]), View([2], [half]),
    View([2], [quarter]), View([2, 2], [half - 1, half]), View([1], [1], .max),
    View([2], [2], .max - 1), View([2], [3], quarter), View([.max], [1]), View([13], [0]),
    View([1 << 32, 1 << 32], [1, 1]), View([half, 4], [0, 0]), View([.max, 2], [0, 3]),
    View([1 << 40], [0]), View([2, 3], [1, 1]), View([3, 4], [-4, 1]), View([-3], [1]),
    View([2], [6], -1), View([3, 4], [1]),
  ]

  @Test(arguments: viewsWithin + viewsBeyond) func strides(_ view: View) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = "\(directory)/x.bin"
    func little(_ number: Int) -> [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    func text(_ text: String) -> [UInt8] {
      let head: [UInt8] = [0x58, UInt8(text.utf8.count), 0, 0, 0]
      return head + Array(text.utf8)
    }
    func number(_ number: Int) -> [UInt8] { [0x8A, 8] + little(number) }
    func tuple(_ items: [[UInt8]]) -> [UInt8] { [0x28] + items.flatMap { $0 } + [0x74] }
    func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    let storage = tuple([
      text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), number(12),
    ])
    let arguments = tuple([
      storage + [0x51], number(view.first), tuple(view.shape.map(number)),
      tuple(view.strides.map(number)), [0x89],
      global("collections", "OrderedDict") + [0x29, 0x52],
    ])
    let tensor = global("torch._utils", "_rebuild_tensor_v2") + arguments + [0x52]
    let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    let dictionary: [UInt8] = [0x7D] + text("x") + tensor + [0x73]
    let keys: [UInt8] = [0x5D] + text("0") + [0x61]
    let parts: [[UInt8]] = [magic, [0x4D, 0xE9, 3], [0x4E], dictionary, keys]
    var bytes: [UInt8] = []
    for part in parts { bytes += [0x80, 2] + part + [0x2E] }
    let values = (0..<12).map(Float.init).withUnsafeBytes { [UInt8]($0) }
    bytes += little(12) + values
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    if let expected = view.read {
      let file = try TorchFile(path: path)
      #expect(try file.readFloats("x") == expected.map(Float.init))
      #expect(try file.entry("x").shape == view.shape && file.entry("x").count == expected.count)
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
