import Basics
import Foundation

/// Holds a training directory for one run, until it is released or the process ends, however it ends.
package final class TrainingLock {
  private let descriptor: Int32

  /// - Throws: `.inputOutput` while another run holds the directory, or when it cannot be made.
  package init(_ files: TrainingDirectory) throws {
    try AtomicFile.makeDirectory(files.path)
    let path = "\(files.path)/lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw IdiolectError(
        .inputOutput, "\(path): cannot be made: \(String(cString: strerror(errno)))")
    }
    // Some network file systems know no locks; a run there is better than none.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      throw IdiolectError(
        .inputOutput,
        "\(files.path): another run is training there; wait for it, or choose another --output")
    }
  }

  deinit { close(descriptor) }
}
