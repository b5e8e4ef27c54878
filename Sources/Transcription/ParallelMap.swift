import Basics
import CKernels

/// Applies `body` to each item, on as many threads as the engine has.
///
/// The engine's own pool does it, for a second pool would fight it for the cores; so `body` must not call
/// the engine.
package func parallelMap<Item, Value>(
  _ items: [Item], _ body: @escaping (Item) -> Value
) throws -> [Value] {
  var values = [Value?](repeating: nil, count: items.count)
  try values.withUnsafeMutableBufferPointer { slots in
    let slots = slots
    // Ranges are disjoint: no two threads write one slot.
    let box = RangeWork { range in
      for index in range { slots[index] = body(items[index]) }
    }
    try onEngine {
      ck_parallel_for(
        items.count, 1,
        { context, begin, end in
          Unmanaged<RangeWork>.fromOpaque(context!).takeUnretainedValue().run(begin..<end)
        }, Unmanaged.passUnretained(box).toOpaque())
    }
    withExtendedLifetime(box) {}
  }
  return values.map { $0! }
}

private final class RangeWork {
  let run: (Range<Int>) -> Void
  init(run: @escaping (Range<Int>) -> Void) { self.run = run }
}
