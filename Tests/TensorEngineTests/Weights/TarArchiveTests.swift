import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Archives that GNU tar makes of the same files, and damaged ones.
@Suite struct TarArchiveTests {
  private func run(_ command: String, in directory: String) throws {
    #expect(try ChildProcess.shell(command, in: directory).status == 0)
  }

  /// In a fresh directory: a.tar of a short file, an empty one, one in a folder and one of a long name.
  private func archive(_ options: String) throws -> (directory: String, long: String) {
    let directory = try Golden.temporaryDirectory()
    let long = "folder/" + String(repeating: "long-", count: 40) + "name"
    try FileManager.default.createDirectory(
      atPath: "\(directory)/folder", withIntermediateDirectories: true)
    for (name, text) in [("short", "content"), ("empty", ""), ("folder/b", "b"), (long, "long")] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
    }
    try run("tar -c \(options) -f a.tar ./short empty folder", in: directory)
    return (directory, long)
  }

  @Test(arguments: ["--format=ustar --exclude=*long*", "--format=gnu", "--format=pax", "-z"])
  func whatTarWrites(_ options: String) throws {
    let (directory, long) = try archive(options)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let read = try TarArchive(path: "\(directory)/a.tar")
    let hasLong = !options.contains("exclude")
    #expect(read.names == ["empty", "folder/b"] + (hasLong ? [long] : []) + ["short"])
    #expect(try read.data("short") == Data("content".utf8))
    #expect(try read.data("empty") == Data())
    #expect(try read.data("folder/b") == Data("b".utf8))
    if hasLong { #expect(try read.data(long) == Data("long".utf8)) }
    #expect(try read.data("absent") == nil && read.tensors("absent") == nil)
    #expect(throws: IdiolectError.self) { try read.tensors("short") }
  }

  /// Compressed by what is not unpacked here: named, and how to unpack it.
  @Test(arguments: [
    ("bzip2", Array("BZh91AY&SY".utf8)), ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0, 4]),
    ("zstd", [0x28, 0xB5, 0x2F, 0xFD, 4, 0x58]),
  ])
  func otherCompressions(_ name: String, _ bytes: [UInt8]) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = "\(directory)/a.tar"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: IdiolectError.self) { try TarArchive(path: path) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.hasPrefix("\(path): is compressed by \(name)") == true)
    #expect(error?.message.contains("\(name) -dc") == true)
  }

  /// Cut short or with bytes changed: read or refused by name, never worse.
  @Test(arguments: ["--format=pax", "-z"]) func damage(_ options: String) throws {
    let (directory, _) = try archive(options)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory)/a.tar")))
    let path = "\(directory)/damaged.tar"
    var random = SeededRandom(seed: 1)
    for round in 0..<600 {
      var copy = whole
      if round % 3 == 0 { copy.removeLast(Int(random.uniform() * Float(copy.count))) }
      for _ in 0..<(copy.isEmpty ? 0 : 1 + round % 4) {
        copy[Int(random.uniform() * Float(copy.count - 1))] = UInt8(random.uniform() * 255)
      }
      try Data(copy).write(to: URL(fileURLWithPath: path))
      do {
        let read = try TarArchive(path: path)
        for name in read.names { _ = try read.data(name) }
      } catch let error as IdiolectError {
        #expect(error.message.hasPrefix("\(path): "))
      }
    }
  }
}
