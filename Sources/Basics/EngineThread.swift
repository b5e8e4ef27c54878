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
      while true {
        let job = queue.next()
        job.perform()
        job.done.signal()
      }
    }
    thread.stackSize = 64 << 20
    thread.start()
    // Only a started thread can be named to the system; the workers it makes later inherit the name.
    thread.name = "idiolect-engine"
  }()

  package static var isCurrent: Bool { currentThreadIsEngine }

  fileprivate static func run(_ job: Job) {
    _ = started
    queue.append(job)
    job.done.wait()
  }
}

/// Runs `body` on the engine thread and returns what it returns; directly if already there.
package func onEngine<Result>(_ body: () throws -> Result) throws -> Result {
  if EngineThread.isCurrent { return try body() }
  var outcome: Swift.Result<Result, any Error>?
  withoutActuallyEscaping(body) { body in
    let job = Job { outcome = Swift.Result { try body() } }
    EngineThread.run(job)
    job.work = nil
  }
  return try outcome!.get()
}

private final class Job: @unchecked Sendable {
  // Handed over under the queue's lock; the submitter touches it again only after `done`.
  var work: (() -> Void)?
  let done = DispatchSemaphore(value: 0)

  init(_ work: @escaping () -> Void) { self.work = work }

  // Not inlined: every reference to the closure must be gone before `done`, for it must not escape.
  @inline(never) func perform() { work!() }
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
