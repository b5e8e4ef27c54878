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

  /// What share of the audio the last items make up.
  package struct Mixture: Sendable {
    /// The first of those items.
    package let first: Int
    package let share: Double
    /// Whether all the others are in every epoch, which is longer then; otherwise an epoch has as much audio
    /// as all items together, and the share is at least the natural one.
    package let keepsOthers: Bool

    package init(first: Int, share: Double, keepsOthers: Bool) {
      (self.first, self.share, self.keepsOthers) = (first, share, keepsOthers)
    }
  }

  package let batches: [[Draw]]

  init(batches: [[Draw]]) { self.batches = batches }

  /// - Parameters:
  ///   - seconds: of each item, at speed 1.
  ///   - mixture: nil for every item once.
  ///   - batchSeconds: the most audio in a batch, padding counted.
  ///   - speeds: factors to draw from; empty for 1.
  ///   - view: decides the speeds of an epoch with fixed views; nil for new ones.
  package init(
    seconds: [Double], mixture: Mixture? = nil, batchSeconds: Double,
    speeds: [Double], seed: UInt64, epoch: Int,
    view: Int? = nil
  ) {
    var random = SeededRandom(seed: seed, 0xBA7C4, epoch)
    func speed(of item: Int, _ random: inout SeededRandom) -> Double {
      guard !speeds.isEmpty else { return 1 }
      guard let view else { return speeds[random.integer(below: speeds.count)] }
      var drawn = SeededRandom(seed: seed, 0x51EED, view, item)
      return speeds[drawn.integer(below: speeds.count)]
    }
    let order = random.shuffled(Array(seconds.indices))
    var draws = order.map { Draw(item: $0, speed: speed(of: $0, &random)) }
    if let mixture {
      draws = BatchPlan.mixed(draws, seconds, mixture, random: &random, speed: speed)
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

  /// The last items as often as their share asks for, and as many of the others as there is room for.
  ///
  /// - Parameter speed: draws one for each copy, lest an item that comes often comes at one rate alone.
  private static func mixed(
    _ draws: [Draw], _ seconds: [Double], _ mixture: Mixture, random: inout SeededRandom,
    speed: (_ item: Int, _ random: inout SeededRandom) -> Double
  ) -> [Draw] {
    let others = seconds[..<mixture.first].reduce(0, +)
    let last = seconds[mixture.first...].reduce(0, +)
    let (goal, room) =
      mixture.keepsOthers
      ? (mixture.share / (1 - mixture.share) * others, Double.infinity)
      : (max(last, mixture.share * (others + last)), 0)
    var result: [Draw] = []
    var (taken, kept) = (0.0, 0.0)
    for copy in 0... {
      for draw in draws where draw.item >= mixture.first && taken < goal {
        result.append(
          copy == 0
            ? draw : Draw(item: draw.item, speed: speed(draw.item, &random), copy: copy))
        taken += seconds[draw.item]
      }
      if taken >= goal || last <= 0 { break }
    }
    for draw in draws
    where draw.item < mixture.first && kept < max(room, others + last - goal) {
      result.append(draw)
      kept += seconds[draw.item]
    }
    return random.shuffled(result)
  }
}
