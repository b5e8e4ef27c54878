import Foundation
import Synchronization

/// Whether a person asked the program to stop (Ctrl-C) while work goes on that can end where it loses nothing.
package enum Interruption {
  private static let requested = Atomic<Bool>(false)
  private static let permitted = Atomic<Bool>(false)

  package static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Says that this process may handle interruptions; a program that uses the libraries handles its own.
  ///
  /// Where nothing is watched an interruption ends the process at once, with a word of how to go on.
  package static func permit() {
    permitted.store(true, ordering: .relaxed)
    signal(SIGINT, Interruption.leave)
  }

  private static let leave: @convention(c) (Int32) -> Void = { number in
    let text: StaticString = "\nidiolect: interrupted; the same command with --resume goes on\n"
    _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    signal(number, SIG_DFL)
    raise(number)
  }

  /// While `body` runs, a first interruption is only noted; a second one ends the program at once.
  package static func watching<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard permitted.load(ordering: .relaxed) else { return try body() }
    signal(SIGINT) { _ in
      Interruption.requested.store(true, ordering: .relaxed)
      signal(SIGINT, SIG_DFL)
    }
    defer { signal(SIGINT, Interruption.leave) }
    return try body()
  }

  /// As if a person had asked, or had not.
  package static func set(_ value: Bool) { requested.store(value, ordering: .relaxed) }
}
