import Basics
import Foundation
import Synchronization

/// Memory for one tensor: 64-byte aligned, from a pool that keeps what is freed for the next tensor.
package final class Storage: @unchecked Sendable {
  // Sendable: the pointer never changes, and what it points to is written on the engine thread only.
  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int
  private let capacity: Int

  /// Uninitialised memory for `byteCount` bytes.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    let capacity = Storage.capacity(for: byteCount)
    self.capacity = capacity
    pointer = Storage.pool.withLock { $0.take(capacity) }
  }

  deinit {
    Storage.pool.withLock { $0.give(pointer, capacity) }
  }

  /// The most bytes that tensors held at once since the last call to `resetPeak`.
  package static var peakBytes: Int { pool.withLock { $0.peak } }
  package static func resetPeak() { pool.withLock { $0.peak = $0.inUse } }

  /// Gives the memory that no tensor uses back to the system.
  package static func releaseUnused() { pool.withLock { $0.releaseUnused() } }

  private static let pool = Mutex(Pool())

  /// Eight sizes an octave: lengths differ from batch to batch, and exact sizes would never be reused.
  private static func capacity(for byteCount: Int) -> Int {
    if byteCount <= 1024 { return max(64, (byteCount + 63) & ~63) }
    let octave = Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount
    let step = 1 << (octave - 3)
    return (byteCount + step - 1) & ~(step - 1)
  }

  private struct Pool: ~Copyable {
    var free: [Int: [UnsafeMutableRawPointer]] = [:]
    var inUse = 0
    var peak = 0

    mutating func take(_ capacity: Int) -> UnsafeMutableRawPointer {
      inUse += capacity
      peak = max(peak, inUse)
      if let reused = free[capacity]?.popLast() { return reused }
      guard let made = aligned_alloc(64, capacity) else {
        fatalError("out of memory: \(capacity >> 20) MB more are needed; use shorter batches")
      }
      return made
    }

    mutating func give(_ pointer: UnsafeMutableRawPointer, _ capacity: Int) {
      inUse -= capacity
      free[capacity, default: []].append(pointer)
    }

    mutating func releaseUnused() {
      for pointers in free.values { for pointer in pointers { Foundation.free(pointer) } }
      free = [:]
    }
  }
}
