import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Oracle: the process lives on when a mapped file becomes shorter.
@Suite struct MappedFileTests {
  private func write(_ storage: SafetensorsTensor.Storage) throws -> String {
    let path = try Golden.temporaryDirectory() + "/model.safetensors"
    try SafetensorsWriter.write(
      [
        SafetensorsTensor("a", shape: [100_000], storage: storage) {
          [Float](repeating: 1, count: 100_000)
        }
      ], to: path)
    return path
  }

  @Test(arguments: SafetensorsTensor.Storage.allCases)
  func shorteningIsAnError(storage: SafetensorsTensor.Storage) throws {
    let path = try write(storage)
    let file = try SafetensorsFile(path: path)
    #expect(try file.readFloats("a").allSatisfy { $0 == 1 })
    try #require(truncate(path, 5000) == 0)
    for _ in 0..<3 {
      let error = #expect(throws: IdiolectError.self) { try file.readFloats("a") }
      #expect(error?.cause as? SafetensorsFault == .shortenedWhileMapped)
      #expect(error?.message.hasPrefix(path) == true)
    }
    // The guard works again afterwards, and other files are not affected.
    let other = try SafetensorsFile(path: write(storage))
    #expect(try other.readFloats("a").allSatisfy { $0 == 1 })
  }

  @Test func shorteningIsAnErrorOnEveryThread() async throws {
    let path = try write(.float32)
    let file = try SafetensorsFile(path: path)
    try #require(truncate(path, 5000) == 0)
    let failures = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<16 {
        group.addTask { (try? file.readFloats("a")) == nil }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(failures == 16)
  }

  /// A bus error elsewhere still ends the process: the guard hides no bug.
  @Test func otherBusErrorsStillKill() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      let path = try Golden.temporaryDirectory() + "/model.safetensors"
      try SafetensorsWriter.write([SafetensorsTensor("a", shape: [1]) { [7] }], to: path)
      _ = try SafetensorsFile(path: path).readFloats("a")
      let descriptor = open(path, O_RDONLY)
      let map = mmap(nil, 1 << 20, PROT_READ, MAP_PRIVATE, descriptor, 0)!
      _ = truncate(path, 0)
      print(map.load(fromByteOffset: 500_000, as: UInt8.self))
    }
  }
}
