package import TensorEngine

/// The network of `Wav2Vec2BertForCTC`: stacked log-mel frames to a score for each label.
///
/// Barrault et al. 2023 (Seamless), section 3.2; Chung et al. 2021 (W2v-BERT).
package final class Wav2Vec2Bert: AcousticNetwork {
  private let configuration: Wav2Vec2BertConfiguration
  private let projectionNorm: LayerNorm
  private let projection: Linear
  private let maskEmbedding: Tensor?
  private let shared: SharedPositions
  /// Half of it is added to what the layers give.
  private let intermediate: FeedForward?
  private let shrinking: ShrinkingLayers?
  package let layers: [any EncoderLayer]
  package let outputLayer: Linear

  package var sizes: any NetworkConfiguration { configuration }
  package var layerName: String { "wav2vec2_bert.encoder.layers" }

  init(_ configuration: Wav2Vec2BertConfiguration, from source: ParameterSource) throws {
    self.configuration = configuration
    let (size, name) = (configuration.hiddenSize, "wav2vec2_bert")
    maskEmbedding = try configuration.mask.embedding(name, size: size, from: source)
    projectionNorm = try LayerNorm(
      "\(name).feature_projection.layer_norm", size: configuration.inputBins,
      epsilon: configuration.epsilon, from: source)
    projection = try Linear(
      "\(name).feature_projection.projection", inputs: configuration.inputBins, outputs: size,
      from: source)
    shared = try SharedPositions(
      "\(name).encoder", configuration.sharedPositions, size: size,
      heads: configuration.headCount, from: source)
    layers = try (0..<configuration.layerCount).map {
      try ConformerBlock("\(name).encoder.layers.\($0)", configuration.block, from: source)
    }
    var feedForward = configuration.block
    feedForward.activation = .relu
    intermediate =
      configuration.feedsForwardBefore
      ? try FeedForward("\(name).intermediate_ffn", feedForward, from: source) : nil
    shrinking = try configuration.shrinking.map {
      try ShrinkingLayers("\(name).adapter", configuration, $0, from: source)
    }
    outputLayer = try Linear(
      "lm_head", inputs: configuration.outputSize, outputs: configuration.labelCount, from: source)
  }

  package func entry(
    _ batch: FeatureBatch, _ pass: Pass
  ) -> (hidden: Tensor, segments: Segments) {
    let segments = Segments(frames: batch.valid)
    guard segments.rows > 0 else {
      return (Tensor(repeating: 0, shape: [0, configuration.hiddenSize]), segments)
    }
    let x = projection(
      projectionNorm(batch.packed, result: pass.precision), result: .float32, pass
    ).dropout(configuration.projectionDropout, pass)
    let masked = x.mappingUtterances(segments, columns: x.columns) {
      configuration.mask($0, maskEmbedding, pass)
    }.0
    return (masked.dropout(configuration.hiddenDropout, pass), segments)
  }

  package func positions(_ segments: Segments, _ pass: Pass) -> Tensor? {
    shared(frames: segments.longest)
  }

  package func logits(
    _ hidden: Tensor, _ segments: Segments, _ pass: Pass
  ) -> (logits: Tensor, segments: Segments) {
    var (x, segments) = (hidden, segments)
    if let intermediate {
      x = x.adding(
        intermediate(x, pass), scaledBy: 0.5, dropout: configuration.hiddenDropout, pass)
    }
    if let shrinking { (x, segments) = shrinking(x, segments, pass) }
    return (
      outputLayer(x.dropout(configuration.finalDropout, pass), result: .float32, pass), segments
    )
  }
}
