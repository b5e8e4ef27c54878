import Basics
import CKernels
import Dispatch
import Foundation

/// Where the time of numeric work goes, by operation.
///
/// Kernels count themselves on the engine thread; `measure` adds what is not a kernel.
public enum Profile {
  /// One operation's totals.
  public struct Row: Sendable {
    public let name: String
    public let seconds: Double
    public let calls: Int
    /// Multiplications and additions; 0 where they are not counted.
    public let operations: Double
    /// Bytes read and written.
    public let bytes: Double
  }

  // Written on the engine thread only.
  nonisolated(unsafe) private static var begun: UInt64?

  /// Forgets what was counted and begins.
  public static func start() throws {
    try onEngine {
      ck_profile_start()
      begun = DispatchTime.now().uptimeNanoseconds
    }
  }

  /// Ends the count: the rows, longest first, and the seconds since `start`; nil where none was begun.
  public static func stop() throws -> (rows: [Row], seconds: Double)? {
    try onEngine {
      guard let start = begun else { return nil }
      begun = nil
      ck_profile_stop()
      var first: UnsafePointer<ck_profile_row>?
      let count = ck_profile_rows(&first)
      let rows = UnsafeBufferPointer(start: first, count: count).map {
        Row(
          name: String(cString: $0.name), seconds: $0.seconds, calls: Int($0.calls),
          operations: $0.flops, bytes: $0.bytes)
      }
      let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
      return (rows.sorted { $0.seconds > $1.seconds }, seconds)
    }
  }

  /// Counts the time of `body` as `name`, where a profile is asked for. On the engine thread.
  package static func measure<Result>(_ name: StaticString, _ body: () throws -> Result) rethrows
    -> Result
  {
    guard begun != nil else { return try body() }
    let start = DispatchTime.now().uptimeNanoseconds
    defer {
      let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
      name.utf8Start.withMemoryRebound(to: CChar.self, capacity: name.utf8CodeUnitCount + 1) {
        ck_profile_add($0, seconds)
      }
    }
    return try body()
  }
}
