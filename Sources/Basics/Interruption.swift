import Foundation
import Synchronization

/// Whether a person asked the program to stop (Ctrl-C) while work goes on that can end where it loses nothing.
package enum Interruption {
  private static let requested = Atomic<Bool>(false)
  private static let permitted = Atomic<Bool>(false)

  package static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Says that this process may handle interruptions; a program that uses the libraries handles its own.
  package static func permit() { permitted.store(true, ordering: .relaxed) }

  /// While `body` runs, a first interruption is only noted; a second one ends the program at once.
  package static func watching<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard permitted.load(ordering: .relaxed) else { return try body() }
    signal(SIGINT) { _ in
      Interruption.requested.store(true, ordering: .relaxed)
      signal(SIGINT, SIG_DFL)
    }
    defer { signal(SIGINT, SIG_DFL) }
    return try body()
  }

  /// As if a person had asked, or had not.
  package static func set(_ value: Bool) { requested.store(value, ordering: .relaxed) }
}
