import Foundation
import Synchronization

/// The one thread that enters parallel regions and oneDNN.
///
/// libgomp keeps a pool of workers for each thread that calls it, and two pools fight for the cores. So
/// all numeric work is submitted here: `onEngine { … }` runs its body on this thread and waits.
package enum EngineThread {
  private static let queue = JobQueue()
  private static let started: Void = {
    let thread = Thread {
      currentThreadIsEngine = true
      while true { queue.next()() }
    }
    thread.name = "idiolect-engine"
    thread.stackSize = 64 << 20
    thread.start()
  }()

  package static var isCurrent: Bool { currentThreadIsEngine }

  fileprivate static func submit(_ job: @escaping @Sendable () -> Void) {
    _ = started
    queue.append(job)
  }
}

/// Runs `body` on the engine thread and returns what it returns; directly if already there.
package func onEngine<Result>(_ body: () throws -> Result) throws -> Result {
  if EngineThread.isCurrent { return try body() }
  var outcome: Swift.Result<Result, any Error>?
  // The caller waits until the body has run, so nothing here outlives or races it.
  withoutActuallyEscaping(body) { body in
    nonisolated(unsafe) let body = body
    let done = DispatchSemaphore(value: 0)
    withUnsafeMutablePointer(to: &outcome) { slot in
      nonisolated(unsafe) let slot = slot
      EngineThread.submit {
        slot.pointee = Swift.Result { try body() }
        done.signal()
      }
      done.wait()
    }
  }
  return try outcome!.get()
}

private final class JobQueue: @unchecked Sendable {
  // Every access to `jobs` is under `condition`'s lock.
  private let condition = NSCondition()
  private var jobs: [@Sendable () -> Void] = []

  func append(_ job: @escaping @Sendable () -> Void) {
    condition.lock()
    jobs.append(job)
    condition.signal()
    condition.unlock()
  }

  func next() -> @Sendable () -> Void {
    condition.lock()
    while jobs.isEmpty { condition.wait() }
    let job = jobs.removeFirst()
    condition.unlock()
    return job
  }
}

private let engineKey: pthread_key_t = {
  var key = pthread_key_t()
  pthread_key_create(&key, nil)
  return key
}()

private var currentThreadIsEngine: Bool {
  get { pthread_getspecific(engineKey) != nil }
  set { pthread_setspecific(engineKey, newValue ? UnsafeRawPointer(bitPattern: 1) : nil) }
}
