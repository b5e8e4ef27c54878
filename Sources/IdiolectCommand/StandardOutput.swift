import Basics
import Foundation

/// Results, a line at a time.
enum StandardOutput {
  /// - Throws: `.inputOutput` where they cannot be written, as on a full disk.
  static func line(_ text: String) throws {
    let bytes = Array((text + "\n").utf8)
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let written = write(STDOUT_FILENO, rest.baseAddress, rest.count)
        if written < 0, errno == EINTR { continue }
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
