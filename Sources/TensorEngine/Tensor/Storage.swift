import CKernels
import Synchronization

/// Memory for one tensor: 64-byte aligned, from a pool that keeps what is freed for the next tensor.
package final class Storage: @unchecked Sendable {
  // Sendable: the pointer never changes, and what it points to is written on the engine thread only.
  package let pointer: UnsafeMutableRawPointer
  /// Bytes that hold values, and with the spare ones behind them.
  package let byteCount, capacity: Int

  /// Uninitialised memory for `byteCount` bytes, and `spare` more that hold nothing.
  package init(byteCount: Int, spare: Int = 0) {
    let capacity = byteCount + spare
    self.byteCount = byteCount
    self.capacity = capacity
    guard let taken = ck_pool_take(capacity) else {
      fatalError("out of memory: \(capacity >> 20) MB more are needed; use shorter batches")
    }
    pointer = taken
    Storage.usage.withLock {
      $0.now += capacity
      $0.peak = max($0.peak, $0.now)
    }
  }

  deinit {
    let capacity = capacity
    ck_pool_give(pointer, capacity)
    Storage.usage.withLock { $0.now -= capacity }
  }

  private static let usage = Mutex((now: 0, peak: 0))

  /// The most bytes that tensors held at once since the last call to `resetPeak`.
  package static var peakBytes: Int { usage.withLock { $0.peak } }
  /// Bytes that tensors hold now.
  package static var bytesInUse: Int { usage.withLock { $0.now } }
  package static func resetPeak() { usage.withLock { $0.peak = $0.now } }

  /// What the pool has from the system.
  package static var heldBytes: Int { ck_pool_held() }

  /// Gives the memory that no tensor uses back to the system.
  package static func releaseUnused() { ck_pool_trim() }
}
