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
    let child = try ChildProcess(
      executable, arguments, directory: directory,
      environment: ProcessInfo.processInfo.environment
        .filter { $0.key != "IDIOLECT_MODEL" }.merging(environment) { $1 })
    output = String(decoding: child.output, as: UTF8.self)
    errors = String(decoding: child.errors, as: UTF8.self)
    status = child.status
  }

  var lines: [String] { output.split(separator: "\n").map(String.init) }
  var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
}
