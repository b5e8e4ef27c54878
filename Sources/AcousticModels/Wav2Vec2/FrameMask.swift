import Basics
import TensorEngine

/// Spans of frames replaced by one learnt vector, in training: SpecAugment on what enters the layers.
///
/// Park et al. 2019; Baevski et al. 2020, section 3.1.
struct FrameMask: Sendable, Equatable {
  /// Of frames; 0 for none.
  var share: Float = 0.05
  /// Frames of a span.
  var length = 10
  /// Spans of an utterance, as far as it has frames for them.
  var fewest = 2
  /// Whether the checkpoint has the vector.
  var hasEmbedding = true

  init() {}

  /// - Parameter config: transformers' settings.
  init(_ config: JSONNode) throws {
    let masks = try config["apply_spec_augment"].bool(default: true)
    share = try config["mask_time_prob"].float(default: share)
    length = try config["mask_time_length"].int(default: length)
    fewest = try config["mask_time_min_masks"].int(default: fewest)
    hasEmbedding = try share > 0 || config["mask_feature_prob"].float(default: 0) > 0
    if !masks { share = 0 }
  }

  /// nil where the checkpoint has none.
  func embedding(_ name: String, size: Int, from source: ParameterSource) throws -> Tensor? {
    hasEmbedding
      ? try source.parameter("\(name).masked_spec_embed", [size], .bias, .uniform(1)) : nil
  }

  /// - Parameter x: one utterance, [frames, hidden].
  func callAsFunction(_ x: Tensor, _ embedding: Tensor?, _ pass: Pass) -> Tensor {
    guard pass.training, share > 0, let embedding, x.rows >= length else { return x }
    let expected = share * Float(x.rows) / Float(length)
    let spans = min(max(fewest, Int(expected + pass.draw())), x.rows / length)
    var rows: Set<Int> = []
    for _ in 0..<spans {
      let start = Int(pass.draw() * Float(x.rows - length + 1))
      rows.formUnion(start..<min(x.rows, start + length))
    }
    return x.replacingRows(rows.sorted(), by: embedding)
  }
}
