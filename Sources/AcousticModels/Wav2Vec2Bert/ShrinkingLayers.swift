import TensorEngine

/// Layers over what an encoder gives, each of which leaves fewer frames: `add_adapter` of Wav2Vec2-BERT.
final class ShrinkingLayers {
  private let sizeChange: SizeChange?
  private let layers: [ShrinkingLayer]

  init(
    _ name: String, _ configuration: Wav2Vec2BertConfiguration, _ shrinking: Shrinking,
    from source: ParameterSource
  ) throws {
    sizeChange = try SizeChange(
      name, inputs: configuration.hiddenSize, outputs: shrinking.size,
      epsilon: configuration.epsilon, from: source)
    layers = try (0..<shrinking.layerCount).map {
      try ShrinkingLayer("\(name).layers.\($0)", configuration, shrinking, from: source)
    }
  }

  /// [rows, hidden] to [fewer rows, size].
  func callAsFunction(
    _ x: Tensor, _ segments: Segments, _ pass: Pass
  ) -> (Tensor, Segments) {
    layers.reduce((sizeChange?(x, pass) ?? x, segments)) { $1($0.0, $0.1, pass) }
  }
}

/// A gated convolution, then attention and a feed-forward over another one, each added to what came before it.
final class ShrinkingLayer {
  private let residualNorm, attentionNorm, feedForwardNorm: LayerNorm
  private let residual, narrowing: Convolution1D
  private let attention: MultiHeadAttention
  private let feedForward: FeedForward
  private let attentionDropout, hiddenDropout: Float

  init(
    _ name: String, _ configuration: Wav2Vec2BertConfiguration, _ shrinking: Shrinking,
    from source: ParameterSource
  ) throws {
    func norm(_ part: String) throws -> LayerNorm {
      try LayerNorm(
        "\(name).\(part)", size: shrinking.size, epsilon: configuration.epsilon, from: source)
    }
    residualNorm = try norm("residual_layer_norm")
    residual = try shrinking.convolution("\(name).residual_conv", from: source)
    attentionNorm = try norm("self_attn_layer_norm")
    narrowing = try shrinking.convolution("\(name).self_attn_conv", from: source)
    attention = try MultiHeadAttention(
      "\(name).self_attn", size: shrinking.size, heads: configuration.headCount, positions: .none,
      dropout: configuration.attentionDropout, names: .conformer, from: source)
    feedForwardNorm = try norm("ffn_layer_norm")
    var block = configuration.block
    (block.size, block.activation) = (shrinking.size, configuration.shrinkingActivation)
    feedForward = try FeedForward("\(name).ffn", block, from: source)
    (attentionDropout, hiddenDropout) = (
      configuration.convolutionDropout, configuration.hiddenDropout
    )
  }

  /// [rows, size] to [fewer rows, size].
  func callAsFunction(
    _ x: Tensor, _ segments: Segments, _ pass: Pass
  ) -> (Tensor, Segments) {
    let kept = residualNorm(x).shrunk(by: residual, segments, pass).0
    let (heard, segments) = attentionNorm(x).shrunk(by: narrowing, segments, pass)
    guard segments.rows > 0 else { return (kept, segments) }
    let y = kept.adding(
      attention(heard, shared: nil, segments, pass), dropout: attentionDropout, pass)
    let fed = feedForward(feedForwardNorm(y, result: pass.precision), pass)
    return (y.adding(fed, dropout: hiddenDropout, pass), segments)
  }
}
