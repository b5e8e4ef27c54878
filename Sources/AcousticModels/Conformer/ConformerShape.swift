import TensorEngine

/// What a Conformer block is made of, whichever network it belongs to.
struct ConformerShape {
  var size, headCount, intermediateSize: Int
  /// Frames that the depthwise convolution reads. Odd.
  var kernel: Int
  var activation = Activation.silu
  var epsilon: Float = 1e-5
  /// Whether feed-forwards and attention have biases.
  var hasBias = true
  var convolutionHasBias = true
  var positions = AttentionPositions.relative
  /// Whether the convolution hears only what was, and normalises each frame; otherwise it lies about a frame, and
  /// channels are normalised.
  var isCausal = false
  var dropouts = Dropouts()
  /// Of an adapter at the block's end; nil for none.
  var adapterWidth: Int?
  var names = Names()

  struct Dropouts {
    /// Of what the feed-forwards, the attention and the convolution give.
    var feedForward: Float = 0
    var attention: Float = 0
    var convolution: Float = 0
    /// Of hidden units, and of the attention's weights.
    var activation: Float = 0
    var weights: Float = 0
  }

  /// What the parts are called in a checkpoint; at first as `ParakeetForCTC` has them.
  struct Names {
    var feedForwards = ("feed_forward1", "feed_forward2")
    var feedForwardNorms = ("norm_feed_forward1", "norm_feed_forward2")
    var widen = "linear1"
    var narrow = "linear2"
    var attention = "self_attn"
    var attentionNorm = "norm_self_att"
    var attentionParts = AttentionNames()
    var convolution = "conv"
    var convolutionNorm = "norm_conv"
    var depthwiseNorm = "norm"
    var outputNorm = "norm_out"

    /// Those of `Wav2Vec2ConformerForCTC` and `Wav2Vec2BertForCTC`.
    static func wav2vec2(depthwiseNorm: String) -> Names {
      var names = Names()
      names.feedForwards = ("ffn1", "ffn2")
      names.feedForwardNorms = ("ffn1_layer_norm", "ffn2_layer_norm")
      (names.widen, names.narrow) = ("intermediate_dense", "output_dense")
      names.attentionNorm = "self_attn_layer_norm"
      names.attentionParts = .conformer
      (names.convolution, names.convolutionNorm) = ("conv_module", "conv_module.layer_norm")
      (names.depthwiseNorm, names.outputNorm) = (depthwiseNorm, "final_layer_norm")
      return names
    }
  }
}
