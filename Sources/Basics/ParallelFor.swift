import CKernels

/// Runs `body` over disjoint ranges that cover 0 ..< `count`: on the engine's threads if this is the engine's, else on
/// this one, for a second pool would fight the engine's for the cores.
///
/// - Parameters:
///   - grain: how many are worth a thread.
///   - body: called from several threads at once; it must not call the engine.
package func parallelFor(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
  guard EngineThread.isCurrent else { return body(0..<count) }
  withoutActuallyEscaping(body) { body in
    let work = RangeWork(run: body)
    ck_parallel_for(
      count, grain,
      { context, begin, end in
        Unmanaged<RangeWork>.fromOpaque(context!).takeUnretainedValue().run(begin..<end)
      }, Unmanaged.passUnretained(work).toOpaque())
    withExtendedLifetime(work) {}
  }
}

private final class RangeWork {
  let run: (Range<Int>) -> Void
  init(run: @escaping (Range<Int>) -> Void) { self.run = run }
}
