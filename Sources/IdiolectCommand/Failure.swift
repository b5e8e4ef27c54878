import ArgumentParser
import Basics
import Foundation
import Idiolect

/// How the program ends when something went wrong: one line on standard error, and a code.
enum Failure {
  /// Says what went wrong and ends the program; help that was asked for is no failure.
  static func exit(_ error: any Error) -> Never {
    if let error = error as? IdiolectError {
      say(error.message)
      Foundation.exit(error.code.exitCode)
    }
    let code = RootCommand.exitCode(for: error)
    if code == .success || error is ExitCode { RootCommand.exit(withError: error) }
    if code == .validationFailure {
      // The parser's own text ends with a usage that fills the screen.
      let words = CommandLine.arguments.dropFirst()
      let known = RootCommand.configuration.subcommands.map { $0._commandName }
      let subcommand = words.first.flatMap { known.contains($0) ? " \($0)" : nil } ?? ""
      var message = RootCommand.message(for: error)
      if message.hasSuffix(".") { message.removeLast() }
      say("\(message); see idiolect\(subcommand) --help")
    } else {
      say("\(error)")
    }
    Foundation.exit(code.rawValue)
  }

  /// Writes one line to standard error, whatever the text holds.
  static func say(_ text: String) {
    let line = "idiolect: " + oneLine(text) + "\n"
    // Where standard error is closed there is nobody left to tell.
    try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
  }

  /// Text from files, safe for a terminal: a line feed becomes a space, other control characters a
  /// replacement sign.
  static func oneLine(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar == "\n" || scalar == "\t" || scalar == "\r" {
        if result.last != " " { result.append(" ") }
      } else {
        result.append(scalar)
      }
    }
    return printable(String(result))
  }
}
