import Foundation

/// Which of the learnt biases a distance has: near ones each their own, farther ones by their logarithm.
///
/// Raffel et al. 2020 (T5), as WavLM uses it.
struct DistanceBuckets: Sendable, Equatable {
  /// In both directions together.
  var count: Int
  /// What lies farther shares the last.
  var farthest: Int

  /// - Parameter distance: of a key from the query, in frames; positive for later ones.
  func callAsFunction(_ distance: Int) -> Int {
    let half = count / 2
    let (near, length) = (half / 2, abs(distance))
    let side = distance > 0 ? half : 0
    guard length >= near else { return side + length }
    // In float32, as the original: a bucket's edge is where its rounding puts it.
    let share = log(Float(length) / Float(near)) / Float(log(Double(farthest) / Double(near)))
    return side + min(half - 1, Int(Float(near) + share * Float(half - near)))
  }

  /// Of the distances −(L − 1) … L − 1.
  func all(frames: Int) -> [Int32] {
    let reach = max(0, frames - 1)
    return (-reach...reach).map { Int32(self($0)) }
  }
}
