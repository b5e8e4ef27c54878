import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Oracle: what was written is what is read.
@Suite struct SafetensorsRoundTripTests {
  private func temporaryFile() throws -> String {
    try Golden.temporaryDirectory() + "/model.safetensors"
  }

  @Test func keepsEveryTensor() throws {
    var random = SeededRandom(seed: 3)
    let big = (0..<70_001).map { _ in random.normal() }
    let path = try temporaryFile()
    let tensors = [
      SafetensorsTensor("z.half", shape: [3], storage: .float16) { [1, -2.5, 65504] },
      SafetensorsTensor("big", shape: [70_001]) { big },
      SafetensorsTensor("big16", shape: [70_001], storage: .bfloat16) { big },
      SafetensorsTensor("empty", shape: [0, 7]) { [] },
      SafetensorsTensor("scalar", shape: []) { [.pi] },
      SafetensorsTensor(integers: "count", shape: [1]) { [Int64.min] },
      SafetensorsTensor("odd \"\\\n\u{1} é", shape: [1], storage: .bfloat16) { [.infinity] },
    ]
    try SafetensorsWriter.write(tensors, to: path)
    let file = try SafetensorsFile(path: path)
    #expect(file.metadata == ["format": "pt"])
    #expect(file.entries.count == tensors.count)
    for tensor in tensors { #expect(try file.entry(tensor.name).shape == tensor.shape) }
    #expect(try file.readFloats("big") == big)
    #expect(try Golden.relativeError(file.readFloats("big16"), big) < 1.0 / 256)
    #expect(try file.readFloats("z.half") == [1, -2.5, 65504])
    #expect(try file.readFloats("scalar") == [.pi])
    #expect(try file.readInt64s("count") == [Int64.min])
    #expect(try file.readFloats("odd \"\\\n\u{1} é") == [.infinity])
    for entry in file.entries.values {
      #expect(entry.byteRange.lowerBound % entry.type.size == 0, "alignment")
    }
    let first = try #require(FileManager.default.contents(atPath: path))
    try SafetensorsWriter.write(tensors.reversed(), to: path)
    #expect(FileManager.default.contents(atPath: path) == first, "order changes nothing")
  }

  @Test func agreesWithFloat16() throws {
    let values = (0...UInt16.max).map { Float(Float16(bitPattern: $0)) }.filter { !$0.isNaN }
    let path = try temporaryFile()
    try SafetensorsWriter.write(
      [SafetensorsTensor("x", shape: [values.count], storage: .float16) { values }], to: path)
    let read = try SafetensorsFile(path: path).readFloats("x")
    #expect(read.map(\.bitPattern) == values.map(\.bitPattern))
  }

  @Test(arguments: [
    (SafetensorsTensor.Storage.float16, Float(65520)), (.float16, -1e30),
    (.bfloat16, .greatestFiniteMagnitude),
  ])
  func refusesOverflow(storage: SafetensorsTensor.Storage, value: Float) throws {
    let path = try temporaryFile()
    try AtomicFile.write("old", to: path)
    let error = #expect(throws: IdiolectError.self) {
      try SafetensorsWriter.write(
        [SafetensorsTensor("layer.weight", shape: [2], storage: storage) { [1, value] }], to: path)
    }
    #expect(error?.message.contains("'layer.weight'") == true)
    #expect(FileManager.default.contents(atPath: path) == Data("old".utf8))
    let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 1)
  }

  @Test func refusesNamesTwice() throws {
    let path = try temporaryFile()
    let tensor = SafetensorsTensor("a", shape: [1]) { [1] }
    #expect(throws: IdiolectError.self) { try SafetensorsWriter.write([tensor, tensor], to: path) }
    #expect(throws: IdiolectError.self) {
      try SafetensorsWriter.write(
        [SafetensorsTensor("__metadata__", shape: [1]) { [1] }], to: path)
    }
  }

  /// A file size limit stands in for a full disk: the system refuses the write half way.
  @Test func fullDiskKeepsTheOldFile() async {
    await #expect(processExitsWith: .success) {
      let path = try Golden.temporaryDirectory() + "/model.safetensors"
      try SafetensorsWriter.write([SafetensorsTensor("a", shape: [1]) { [7] }], to: path)
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let error = #expect(throws: IdiolectError.self) {
        try SafetensorsWriter.write(
          [
            SafetensorsTensor("a", shape: [1_000_000]) {
              [Float](repeating: 0, count: 1_000_000)
            }
          ], to: path)
      }
      try #require(error?.code == .inputOutput)
      try #require(try SafetensorsFile(path: path).readFloats("a") == [7])
      let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
      try #require(try FileManager.default.contentsOfDirectory(atPath: directory).count == 1)
    }
  }
}
