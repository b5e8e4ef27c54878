import Basics
import Foundation
import TestSupport
import Testing

/// Oracle: before and after any failure, the file is whole: the old one or the new one.
@Suite struct AtomicFileTests {
  private struct Failure: Error {}

  private func contents(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  private func names(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory)
  }

  @Test func writesAndReplaces() throws {
    let directory = try Golden.temporaryDirectory()
    try AtomicFile.write("one", to: "\(directory)/a")
    try AtomicFile.write(Data("two, longer".utf8), to: "\(directory)/a")
    #expect(contents("\(directory)/a") == "two, longer")
    try AtomicFile.write("", to: "\(directory)/a")
    #expect(contents("\(directory)/a") == "")
    #expect(try names(directory) == ["a"])
  }

  @Test func failedBodyLeavesTheOldFile() throws {
    let directory = try Golden.temporaryDirectory()
    try AtomicFile.write("old", to: "\(directory)/a")
    #expect(throws: Failure.self) {
      try AtomicFile.write(to: "\(directory)/a") { append in
        try Data("new".utf8).withUnsafeBytes { try append($0) }
        throw Failure()
      }
    }
    #expect(contents("\(directory)/a") == "old")
    #expect(try names(directory) == ["a"])
    #expect(throws: Failure.self) {
      try AtomicFile.write(to: "\(directory)/b") { _ in throw Failure() }
    }
    #expect(try names(directory) == ["a"])
  }

  @Test func killLeavesTheOldFile() async throws {
    let path = try Golden.temporaryDirectory() + "/a"
    try AtomicFile.write("old", to: path)
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      try AtomicFile.write(to: path) { append in
        try Data("new".utf8).withUnsafeBytes { try append($0) }
        kill(getpid(), SIGKILL)
      }
    }
    #expect(contents(path) == "old")
  }

  @Test func aLinkStays() throws {
    let directory = try Golden.temporaryDirectory()
    try AtomicFile.write("old", to: "\(directory)/a")
    try FileManager.default.createSymbolicLink(
      atPath: "\(directory)/link", withDestinationPath: "a")
    try AtomicFile.write("new", to: "\(directory)/link")
    #expect(contents("\(directory)/a") == "new")
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/link") == "a")
    #expect(try names(directory).sorted() == ["a", "link"])
  }

  @Test func aLinkToNothingIsFollowed() throws {
    let directory = try Golden.temporaryDirectory()
    try FileManager.default.createSymbolicLink(
      atPath: "\(directory)/link", withDestinationPath: "a")
    try AtomicFile.write("new", to: "\(directory)/link")
    #expect(contents("\(directory)/a") == "new")
    #expect(try names(directory).sorted() == ["a", "link"])
  }

  @Test(arguments: [mode_t(0o600), 0o664]) func theModeStays(_ mode: mode_t) throws {
    let path = try Golden.temporaryDirectory() + "/a"
    try AtomicFile.write("old", to: path)
    #expect(chmod(path, mode) == 0)
    try AtomicFile.write("new", to: path)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == mode)
  }

  /// Renaming would replace the pipe by a file; so it would replace a device.
  @Test func aPipeIsWrittenToAsItIs() throws {
    let path = try Golden.temporaryDirectory() + "/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    let reader = open(path, O_RDWR | O_NONBLOCK)
    defer { close(reader) }
    try AtomicFile.write("through", to: path)
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = read(reader, &buffer, buffer.count)
    #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "through")
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
  }

  @Test func namesTheFileAndTheCause() throws {
    let directory = try Golden.temporaryDirectory()
    let absent = #expect(throws: IdiolectError.self) {
      try AtomicFile.write("x", to: "\(directory)/absent/a")
    }
    #expect(absent?.code == .inputOutput)
    #expect(absent?.message.contains("\(directory)/absent/a") == true)
    #expect(absent?.message.contains("directory does not exist") == true)
    try AtomicFile.makeDirectory("\(directory)/d/e")
    #expect(throws: IdiolectError.self) { try AtomicFile.write("x", to: "\(directory)/d/e") }
    #expect(try names("\(directory)/d") == ["e"])
    try AtomicFile.write("x", to: "\(directory)/file")
    #expect(throws: IdiolectError.self) { try AtomicFile.makeDirectory("\(directory)/file/below") }
  }
}
