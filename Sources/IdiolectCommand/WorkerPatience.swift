import Foundation

/// How long the workers of the thread pool spin before they sleep.
///
/// By default libgomp's spin for milliseconds. On a machine that does anything else as well, a worker then
/// burns the time slice that the thread it waits for needs: a training beside a compiler was measured at a
/// tenth of its speed. libgomp reads the setting once, as it is loaded, so the program starts itself anew.
enum WorkerPatience {
  private static let names = ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"]

  static func set() {
    guard names.allSatisfy({ getenv($0) == nil }) else { return }
    setenv("GOMP_SPINCOUNT", "2000", 1)
    // Read once too: freed large blocks go back to the system. By its own rule glibc would soon keep them in
    // its heap, whose gaps grow: an hour of audio through a small network took 1,140 MB, so 305 MB.
    setenv("MALLOC_MMAP_THRESHOLD_", "1048576", 0)
    // Its own path, not /proc/self/exe, by which process lists would then call it. Returns only when it
    // fails; the program then goes on as it is.
    let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    // The arguments as they came, byte by byte, UTF-8 or not.
    execv(path ?? "/proc/self/exe", CommandLine.unsafeArgv)
    unsetenv("GOMP_SPINCOUNT")
  }
}
