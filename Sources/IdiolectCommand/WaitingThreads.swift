@preconcurrency import Glibc

/// How threads wait for the next piece of work.
enum WaitingThreads {
  /// Lets them sleep after a microsecond or so.
  ///
  /// libgomp's own habit is to spin for milliseconds. Where another program wants the cores, each of our
  /// many short parallel regions then waits for a time slice: 4 minutes of audio through a small network
  /// took 2.7 s instead of 0.17 s. It reads its settings before `main`, so the program starts itself
  /// anew, once; whoever has set one of them is heeded.
  static func sleepEarly() {
    guard getenv("GOMP_SPINCOUNT") == nil, getenv("OMP_WAIT_POLICY") == nil else { return }
    guard setenv("GOMP_SPINCOUNT", "1000", 1) == 0 else { return }
    // Comes back only if it fails; then all is as it was, only slower.
    execv("/proc/self/exe", CommandLine.unsafeArgv)
  }
}
