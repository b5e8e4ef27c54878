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
      while true { runNext().signal() }
    }
    thread.stackSize = 64 << 20
    thread.start()
    // Only a started thread can be named to the system; the workers it makes later inherit the name.
    thread.name = "idiolect-engine"
  }()

  package static var isCurrent: Bool { currentThreadIsEngine }

  /// Runs `work` on the engine thread, releases it, then signals `done`.
  fileprivate static func submit(_ work: @escaping @Sendable () -> Void, done: DispatchSemaphore) {
    _ = started
    queue.append(Job(work: work, done: done))
  }

  // A function of its own, so that the job is released when it returns. Were it released after the signal,
  // the waiting caller could find its closure still held, which Swift punishes with a trap.
  @inline(never)
  private static func runNext() -> DispatchSemaphore {
    let job = queue.next()
    job.work()
    return job.done
  }
}

/// Runs `body` on the engine thread and returns what it returns; directly if already there.
///
/// Networks run, tapes record and models open there, and nowhere else:
///
///     let model = try onEngine { try AcousticModel(directory: "Models/english-small") }
///
/// The caller waits; calls of several threads take turns.
///
/// - Throws: what `body` throws.
public func onEngine<Result>(_ body: () throws -> Result) throws -> Result {
  if EngineThread.isCurrent { return try body() }
  var outcome: Swift.Result<Result, any Error>?
  // The caller waits until the body has run, so nothing here outlives or races it.
  withoutActuallyEscaping(body) { body in
    nonisolated(unsafe) let body = body
    let done = DispatchSemaphore(value: 0)
    withUnsafeMutablePointer(to: &outcome) { slot in
      nonisolated(unsafe) let slot = slot
      EngineThread.submit({ slot.pointee = Swift.Result { try body() } }, done: done)
      done.wait()
    }
  }
  return try outcome!.get()
}

private struct Job {
  let work: @Sendable () -> Void
  let done: DispatchSemaphore
}

private final class JobQueue: @unchecked Sendable {
  // Every access to `jobs` is under `condition`'s lock.
  private let condition = NSCondition()
  private var jobs: [Job] = []

  func append(_ job: Job) {
    condition.lock()
    jobs.append(job)
    condition.signal()
    condition.unlock()
  }

  func next() -> Job {
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
