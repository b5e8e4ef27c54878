import Basics

/// Applies `body` to each item, on as many threads as the engine has.
///
/// - Parameter body: must not call the engine.
package func parallelMap<Item, Value>(
  _ items: [Item], _ body: @escaping (Item) -> Value
) throws -> [Value] {
  var values = [Value?](repeating: nil, count: items.count)
  try values.withUnsafeMutableBufferPointer { slots in
    let slots = slots
    try onEngine {
      // Ranges are disjoint: no two threads write one slot.
      parallelFor(items.count, grain: 1) { range in
        for index in range { slots[index] = body(items[index]) }
      }
    }
  }
  return values.map { $0! }
}
