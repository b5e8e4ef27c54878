import Basics
import Foundation

/// Results, a line at a time.
enum StandardOutput {
  /// Lets the program go on when whoever reads its output (`| head`) goes away: hours of training are worth
  /// more than their log. What is printed from then on is lost without a word.
  static func outlivesItsReader() { signal(SIGPIPE, SIG_IGN) }

  /// Whether `path` names what standard output goes to.
  static func isFile(_ path: String) -> Bool {
    var (named, standard) = (stat(), stat())
    return stat(path, &named) == 0 && fstat(STDOUT_FILENO, &standard) == 0
      && named.st_dev == standard.st_dev && named.st_ino == standard.st_ino
  }

  /// - Throws: `.inputOutput` where they cannot be written, as on a full disk.
  static func line(_ text: String) throws {
    let bytes = Array((text + "\n").utf8)
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let written = write(STDOUT_FILENO, rest.baseAddress, rest.count)
        if written < 0, errno == EINTR { continue }
        // Only seen where the signal is ignored.
        if written < 0, errno == EPIPE { return }
        guard written > 0 else {
          throw IdiolectError(
            .inputOutput,
            "standard output: cannot write: \(String(cString: strerror(errno))); the output is incomplete"
          )
        }
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      }
    }
  }
}
