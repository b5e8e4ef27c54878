import ArgumentParser
@preconcurrency import Glibc
import Idiolect

WorkerPatience.set()
// A reader that goes away (`| head`) ends the program quietly, also where the parent had it ignored.
signal(SIGPIPE, SIG_DFL)
// A limit on the size of files (`ulimit -f`) is an error to report, as a full disk is, not a death.
signal(SIGXFSZ, SIG_IGN)
// Lines of a long run are seen when they are written, also in a file.
setvbuf(stdout, nil, _IOLBF, 0)

do {
  try CommandLine.refuseOtherThanUTF8()
  var command = try RootCommand.parseAsRoot()
  try command.run()
} catch {
  Failure.exit(error)
}

extension CommandLine {
  /// Swift would put other characters in place of such bytes: a file of another name.
  fileprivate static func refuseOtherThanUTF8() throws {
    for (index, shown) in arguments.enumerated() {
      guard let bytes = unsafeArgv[index], String(validatingCString: bytes) == nil else { continue }
      throw IdiolectError(
        .invalidArgument,
        "'\(shown)' is not UTF-8, and no file of such a name can be used; rename it, or link to it")
    }
  }
}
