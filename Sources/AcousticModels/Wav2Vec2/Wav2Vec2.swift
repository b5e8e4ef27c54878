package import TensorEngine

/// The network of `Wav2Vec2ForCTC` and its kin: samples to a score for each label.
///
/// Baevski et al. 2020 (wav2vec 2.0), Hsu et al. 2021 (HuBERT), Wang et al. 2021 (UniSpeech), Baevski et al. 2022
/// (data2vec). What an utterance shares a batch with, or padding, does not reach it.
package final class Wav2Vec2: AcousticNetwork {
  private let configuration: Wav2Vec2Configuration
  private let convolutions: SampleConvolutions
  private let projectionNorm: LayerNorm?
  private let projection: Linear
  private let maskEmbedding: Tensor?
  private let positions: any FramePositions
  private let norm: LayerNorm
  private let stack: [TransformerLayer]
  package let outputLayer: Linear

  package var sizes: any NetworkConfiguration { configuration }
  package var layers: [any EncoderLayer] { stack }
  package var extractorName: String? { "\(configuration.kind.prefix).feature_extractor." }
  package var layerName: String { "\(configuration.kind.prefix).encoder.layers" }

  init(_ configuration: Wav2Vec2Configuration, from source: ParameterSource) throws {
    self.configuration = configuration
    let size = configuration.hiddenSize
    let name = configuration.kind.prefix
    maskEmbedding =
      configuration.hasMaskEmbedding
      ? try source.parameter("\(name).masked_spec_embed", [size], .bias, .uniform(1)) : nil
    convolutions = try SampleConvolutions(
      "\(name).feature_extractor", configuration, from: source)
    let channels = configuration.convolutionChannels.last!
    projectionNorm =
      configuration.normalisesExtracted
      ? try LayerNorm(
        "\(name).feature_projection.layer_norm", size: channels, epsilon: configuration.epsilon,
        from: source) : nil
    projection = try Linear(
      "\(name).feature_projection.projection", inputs: channels, outputs: size, from: source)
    positions = try configuration.framePositions("\(name).encoder.pos_conv_embed", from: source)
    norm = try LayerNorm(
      "\(name).encoder.layer_norm", size: size, epsilon: configuration.epsilon, from: source)
    stack = try (0..<configuration.layerCount).map {
      try TransformerLayer("\(name).encoder.layers.\($0)", configuration, from: source)
    }
    outputLayer = try Linear(
      "lm_head", inputs: size, outputs: configuration.labelCount, from: source)
  }

  package func entry(
    _ batch: FeatureBatch, _ pass: Pass
  ) -> (hidden: Tensor, segments: Segments) {
    let place = positions.ofBatch(pass)
    let longest = batch.values.shape[1]
    let frames = batch.valid.map { configuration.outputFrames($0) }
    let parts = batch.valid.indices.compactMap { index -> Tensor? in
      guard frames[index] > 0 else { return nil }
      let samples = Tensor(uninitialised: [1, batch.valid[index], 1])
      samples.pointer.update(
        from: batch.values.pointer + index * longest, count: batch.valid[index])
      let heard = convolutions(samples, pass)
      var x = projection(
        projectionNorm?(heard, result: pass.precision) ?? heard, result: .float32, pass)
      x = masked(x.dropout(configuration.projectionDropout, pass), pass)
      return x.adding(place(x))
    }
    let segments = Segments(frames: frames)
    guard !parts.isEmpty else {
      return (Tensor(repeating: 0, shape: [0, configuration.hiddenSize]), segments)
    }
    var x = Tensor.stacked(parts)
    if !configuration.isStable { x = norm(x) }
    return (x.dropout(configuration.hiddenDropout, pass), segments)
  }

  package func logits(_ hidden: Tensor, _ pass: Pass) -> Tensor {
    let x = configuration.isStable ? norm(hidden) : hidden
    return outputLayer(x.dropout(configuration.finalDropout, pass), result: .float32, pass)
  }

  package func run(
    _ layers: Range<Int>, _ hidden: Tensor, _ segments: Segments, _ pass: Pass
  ) -> Tensor {
    guard segments.rows > 0 else { return hidden }
    return stack[layers].reduce(hidden) { x, layer in
      // Stochastic depth (Fan et al. 2019). The draw is made whatever the rate, so seeds line up.
      pass.training && pass.draw() < configuration.layerDrop ? x : layer(x, segments, pass)
    }
  }

  /// Spans of frames replaced by one learnt vector, in training: SpecAugment on what the convolutions heard.
  private func masked(_ x: Tensor, _ pass: Pass) -> Tensor {
    let length = configuration.maskLength
    guard pass.training, configuration.maskShare > 0, let maskEmbedding, x.rows >= length else {
      return x
    }
    let expected = configuration.maskShare * Float(x.rows) / Float(length)
    let spans = max(configuration.fewestMasks, Int(expected + pass.draw()))
    var rows: Set<Int> = []
    for _ in 0..<spans {
      let start = Int(pass.draw() * Float(x.rows - length + 1))
      rows.formUnion(start..<min(x.rows, start + length))
    }
    return x.replacingRows(rows.sorted(), by: maskEmbedding)
  }
}
