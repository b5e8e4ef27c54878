import Foundation
import TestSupport

/// The built program, and what one run of it gave.
struct Program {
  let output: String
  let errors: String
  let status: Int32

  /// Lies beside the test bundle.
  static let path: String = {
    let beside = Bundle.main.executableURL!.deletingLastPathComponent()
      .appendingPathComponent("idiolect").path
    return FileManager.default.isExecutableFile(atPath: beside)
      ? beside : "\(Golden.repository)/.build/release/idiolect"
  }()

  /// Runs `idiolect` with arguments, in the checkout unless told otherwise.
  init(
    _ arguments: String..., directory: String = Golden.repository,
    environment: [String: String] = [:]
  ) throws {
    try self.init(
      executable: Program.path, arguments, directory: directory, environment: environment)
  }

  /// Runs a shell script in which `$idiolect` is the program.
  init(shell script: String, directory: String = Golden.repository) throws {
    try self.init(
      executable: "/bin/bash", ["-c", script], directory: directory,
      environment: ["idiolect": Program.path])
  }

  private init(
    executable: String, _ arguments: [String], directory: String, environment: [String: String]
  ) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.environment = ProcessInfo.processInfo.environment
      .filter { $0.key != "IDIOLECT_MODEL" }.merging(environment) { $1 }
    // Files rather than pipes: a pipe that nobody empties would stop a talkative program.
    let captured = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: captured) }
    let paths = ["\(captured)/output", "\(captured)/errors"]
    for path in paths { try Data().write(to: URL(fileURLWithPath: path)) }
    process.standardOutput = FileHandle(forWritingAtPath: paths[0])
    process.standardError = FileHandle(forWritingAtPath: paths[1])
    try process.run()
    process.waitUntilExit()
    let texts = paths.map {
      String(decoding: FileManager.default.contents(atPath: $0) ?? Data(), as: UTF8.self)
    }
    (output, errors) = (texts[0], texts[1])
    // A program that was killed has no exit code of its own.
    status =
      process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  var lines: [String] { output.split(separator: "\n").map(String.init) }
  var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
}
