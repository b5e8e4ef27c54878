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
  /// Bytes that tensors hold now.
  package static var bytesInUse: Int { pool.withLock { $0.inUse } }
  package static func resetPeak() { pool.withLock { $0.peak = $0.inUse } }

  /// The most bytes that tensors ever held at once; with what the pool keeps, at most twice that is taken.
  package static var mostBytes: Int { pool.withLock { $0.most } }
  /// What the pool keeps for the next tensors.
  package static var unusedBytes: Int { pool.withLock { $0.unused } }

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
    /// The most ever in use, and what `free` holds.
    var most = 0
    var unused = 0

    mutating func take(_ capacity: Int) -> UnsafeMutableRawPointer {
      inUse += capacity
      peak = max(peak, inUse)
      most = max(most, inUse)
      if let reused = free[capacity]?.popLast() {
        unused -= capacity
        return reused
      }
      // Sizes that no longer come up must not pile up.
      if unused + inUse > 2 * most { releaseUnused() }
      guard let made = aligned_alloc(64, capacity) else {
        fatalError("out of memory: \(capacity >> 20) MB more are needed; use shorter batches")
      }
      return made
    }

    mutating func give(_ pointer: UnsafeMutableRawPointer, _ capacity: Int) {
      inUse -= capacity
      unused += capacity
      free[capacity, default: []].append(pointer)
    }

    mutating func releaseUnused() {
      for pointers in free.values { for pointer in pointers { Foundation.free(pointer) } }
      free = [:]
      unused = 0
    }
  }
}
