import Foundation
import TensorEngine

/// What all layers of a network are given of positions, by the kind of their attention.
final class SharedPositions {
  private enum Kind {
    case none
    case relative(RelativePositions)
    /// From a frame to the next, [size of a head / 2].
    case rotary(Tensor)
    /// [buckets, heads]
    case gated(Tensor, DistanceBuckets)
  }

  /// Which, and with what settings.
  enum Settings {
    case none, relative
    case rotary(base: Int)
    case gated(DistanceBuckets)
  }

  private let kind: Kind

  /// - Parameter name: of the encoder.
  init(_ name: String, _ settings: Settings, size: Int, heads: Int, from source: ParameterSource)
    throws
  {
    switch settings {
    case .none: kind = .none
    case .relative: kind = .relative(RelativePositions(size: size))
    case .rotary(let base):
      let head = size / heads
      // transformers keeps them in checkpoints.
      kind = .rotary(
        try source.parameter(
          "\(name).embed_positions.inv_freq", [head / 2], .statistic,
          .values((0..<head / 2).map { 1 / pow(Float(base), Float(2 * $0) / Float(head)) })))
    case .gated(let buckets):
      kind = .gated(
        try source.parameter(
          "\(name).layers.0.attention.rel_attn_embed.weight", [buckets.count, heads], .weight,
          .normal(deviation: 1)), buckets)
    }
  }

  /// - Parameter frames: of the longest utterance.
  func callAsFunction(frames: Int) -> Tensor? {
    switch kind {
    case .none: nil
    case .relative(let positions): positions(length: frames)
    case .rotary(let frequencies): frequencies
    case .gated(let biases, let buckets): biases.gatheringRows(buckets.all(frames: frames))
    }
  }
}
