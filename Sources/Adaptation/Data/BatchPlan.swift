import Basics

/// The order of an epoch: utterances of like length in batches of bounded audio, batches shuffled.
///
/// A seed and the epoch determine it, so a run that resumes sees the same.
package struct BatchPlan: Sendable {
  package struct Draw: Sendable, Hashable {
    package let item: Int
    package let speed: Double
  }

  package let batches: [[Draw]]

  /// - Parameters:
  ///   - seconds: of each item, at speed 1.
  ///   - batchSeconds: the most audio in a batch, padding counted.
  ///   - speeds: factors to draw from; empty for 1.
  ///   - view: decides the speeds of an epoch with fixed views; nil for new ones.
  package init(
    seconds: [Double], batchSeconds: Double, speeds: [Double], seed: UInt64, epoch: Int,
    view: Int? = nil
  ) {
    var random = SeededRandom(seed: seed, 0xBA7C4, epoch)
    func speed(of item: Int) -> Double {
      guard !speeds.isEmpty else { return 1 }
      guard let view else { return speeds[random.integer(below: speeds.count)] }
      var drawn = SeededRandom(seed: seed, 0x51EED, view, item)
      return speeds[drawn.integer(below: speeds.count)]
    }
    let draws = random.shuffled(Array(seconds.indices)).map { Draw(item: $0, speed: speed(of: $0)) }
    func length(_ draw: Draw) -> Double { seconds[draw.item] / draw.speed }
    // Sorting all would give the same neighbours every epoch; sorting pools keeps batches varied.
    let total = seconds.reduce(0, +)
    let poolSize = max(1, Int(Double(draws.count) * min(1, 50 * batchSeconds / max(1, total))))
    var batches: [[Draw]] = []
    for start in stride(from: 0, to: draws.count, by: poolSize) {
      let pool = draws[start..<min(start + poolSize, draws.count)].sorted {
        (length($0), $0.item) < (length($1), $1.item)
      }
      var batch: [Draw] = []
      for draw in pool {
        // Sorted: the newest is the longest, and the others are padded to it.
        if !batch.isEmpty && length(draw) * Double(batch.count + 1) > batchSeconds {
          batches.append(batch)
          batch = []
        }
        batch.append(draw)
      }
      if !batch.isEmpty { batches.append(batch) }
    }
    self.batches = random.shuffled(batches)
  }
}
