package import Foundation

/// Another program, run to its end.
package struct ChildProcess {
  package let output: Data
  package let errors: Data
  /// Its exit code, or the number of the signal that ended it, negated.
  package let status: Int32

  /// - Throws: where it does not start, or has not ended after a time that no test's program takes.
  package init(
    _ executable: String, _ arguments: [String], directory: String = Golden.repository,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.environment = environment
    // Files rather than pipes: a pipe that nobody empties would stop a talkative program.
    let captured = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: captured) }
    let paths = ["\(captured)/output", "\(captured)/errors"]
    for path in paths { try Data().write(to: URL(fileURLWithPath: path)) }
    process.standardOutput = FileHandle(forWritingAtPath: paths[0])
    process.standardError = FileHandle(forWritingAtPath: paths[1])
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    let isOver = ended.wait(timeout: .now() + .seconds(Self.mostSeconds)) == .success
    if !isOver { kill(process.processIdentifier, SIGKILL) }
    let texts = paths.map { FileManager.default.contents(atPath: $0) ?? Data() }
    (output, errors) = (texts[0], texts[1])
    guard isOver else {
      throw Endless(
        description:
          "\(executable) \(arguments) has not ended after \(Self.mostSeconds) s; it wrote "
          + texts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n"))
    }
    status =
      process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  /// Runs a command of the shell.
  @discardableResult
  package static func shell(
    _ command: String, in directory: String = Golden.repository
  ) throws -> ChildProcess { try ChildProcess("/bin/sh", ["-c", command], directory: directory) }

  private static let mostSeconds = 900

  private struct Endless: Error, CustomStringConvertible { let description: String }
}
