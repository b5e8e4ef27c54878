import Basics

/// The order of an epoch: utterances of like length in batches of bounded audio, batches shuffled.
///
/// A seed and the epoch determine it, so a run that resumes sees the same.
package struct BatchPlan: Sendable {
  package struct Draw: Sendable, Hashable {
    package let item: Int
    package let speed: Double
    /// Which of several draws of the item in this epoch.
    package var copy = 0
  }

  package let batches: [[Draw]]

  /// - Parameters:
  ///   - seconds: of each item, at speed 1.
  ///   - lead: the first of the items that make up a share of the audio, at least their natural one; an epoch
  ///     has as much audio as all items, so that fewer of the others are in it.
  ///   - batchSeconds: the most audio in a batch, padding counted.
  ///   - speeds: factors to draw from; empty for 1.
  ///   - view: decides the speeds of an epoch with fixed views; nil for new ones.
  package init(
    seconds: [Double], lead: (first: Int, share: Double)? = nil, batchSeconds: Double,
    speeds: [Double], seed: UInt64, epoch: Int,
    view: Int? = nil
  ) {
    var random = SeededRandom(seed: seed, 0xBA7C4, epoch)
    func speed(of item: Int) -> Double {
      guard !speeds.isEmpty else { return 1 }
      guard let view else { return speeds[random.integer(below: speeds.count)] }
      var drawn = SeededRandom(seed: seed, 0x51EED, view, item)
      return speeds[drawn.integer(below: speeds.count)]
    }
    var draws = random.shuffled(Array(seconds.indices)).map { Draw(item: $0, speed: speed(of: $0)) }
    if let lead {
      draws = BatchPlan.led(draws, seconds, lead, random: &random)
    }
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

  /// Leading draws as often as their share asks for, and as many of the others as there is room for.
  private static func led(
    _ draws: [Draw], _ seconds: [Double], _ lead: (first: Int, share: Double),
    random: inout SeededRandom
  ) -> [Draw] {
    let total = seconds.reduce(0, +)
    let leading = seconds[lead.first...].reduce(0, +)
    let goal = max(leading, lead.share * total)
    var result: [Draw] = []
    var (led, others) = (0.0, 0.0)
    for copy in 0... {
      for draw in draws where draw.item >= lead.first && led < goal {
        var draw = draw
        draw.copy = copy
        result.append(draw)
        led += seconds[draw.item]
      }
      if led >= goal || leading <= 0 { break }
    }
    for draw in draws where draw.item < lead.first && others < total - goal {
      result.append(draw)
      others += seconds[draw.item]
    }
    return random.shuffled(result)
  }
}
