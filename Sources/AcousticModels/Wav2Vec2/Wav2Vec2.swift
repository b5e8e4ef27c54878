package import TensorEngine

/// The network of `Wav2Vec2ForCTC` and its kin: samples to a score for each label.
///
/// Baevski et al. 2020 (wav2vec 2.0), Hsu et al. 2021 (HuBERT), Wang et al. 2021 (UniSpeech), Baevski et al. 2022
/// (data2vec), Chen et al. 2022 (WavLM), Wu et al. 2021 (SEW), Wang et al. 2022 (Wav2Vec2-Conformer, in fairseq
/// S2T). What an utterance shares a batch with, or padding, does not reach it.
package final class Wav2Vec2: AcousticNetwork {
  private let configuration: Wav2Vec2Configuration
  private let convolutions: SampleConvolutions
  private let projectionNorm: LayerNorm?
  private let projection: Linear?
  private let maskEmbedding: Tensor?
  private let surroundings: any FramePositions
  private let shared: SharedPositions
  private let norm: LayerNorm
  /// Makes several frames of each: SEW's.
  private let upsampling: Linear?
  private let adapter: ConvolutionalAdapter?
  package let layers: [any EncoderLayer]
  package let outputLayer: Linear

  package var sizes: any NetworkConfiguration { configuration }
  package var extractorName: String? { "\(configuration.kind.prefix).feature_extractor." }
  package var layerName: String { "\(configuration.kind.prefix).encoder.layers" }

  init(_ configuration: Wav2Vec2Configuration, from source: ParameterSource) throws {
    self.configuration = configuration
    let size = configuration.hiddenSize
    let name = configuration.kind.prefix
    let isSEW = configuration.kind == .sew
    maskEmbedding = try configuration.mask.embedding(name, size: size, from: source)
    convolutions = try SampleConvolutions(
      "\(name).feature_extractor", configuration, from: source)
    let channels = configuration.convolutionChannels.last!
    projectionNorm =
      configuration.normalisesExtracted
      ? try LayerNorm(
        isSEW ? "\(name).layer_norm" : "\(name).feature_projection.layer_norm", size: channels,
        epsilon: configuration.epsilon, from: source) : nil
    projection =
      isSEW && channels == size
      ? nil
      : try Linear(
        isSEW ? "\(name).feature_projection" : "\(name).feature_projection.projection",
        inputs: channels, outputs: size, from: source)
    surroundings = try configuration.framePositions(
      "\(name).encoder.pos_conv_embed", from: source)
    shared = try SharedPositions(
      "\(name).encoder", configuration.sharedPositions, size: size,
      heads: configuration.headCount, from: source)
    norm = try LayerNorm(
      "\(name).encoder.layer_norm", size: size, epsilon: configuration.epsilon, from: source)
    layers = try (0..<configuration.layerCount).map { index -> any EncoderLayer in
      let layer = "\(name).encoder.layers.\(index)"
      return if let block = configuration.block {
        try ConformerBlock(layer, block, from: source)
      } else {
        try TransformerLayer(layer, configuration, from: source)
      }
    }
    upsampling =
      isSEW
      ? try Linear(
        "\(name).encoder.upsample.projection", inputs: size,
        outputs: size * configuration.squeeze, from: source) : nil
    adapter = try configuration.shrinking.map {
      try ConvolutionalAdapter("\(name).adapter", inputs: size, $0, from: source)
    }
    outputLayer = try Linear(
      "lm_head", inputs: configuration.outputSize, outputs: configuration.labelCount, from: source)
  }

  package func entry(
    _ batch: FeatureBatch, _ pass: Pass
  ) -> (hidden: Tensor, segments: Segments) {
    let place = surroundings.ofBatch(pass)
    let longest = batch.values.shape[1]
    let frames = batch.valid.map { configuration.layerFrames($0) }
    let parts = batch.valid.indices.compactMap { index -> Tensor? in
      guard frames[index] > 0 else { return nil }
      let samples = Tensor(uninitialised: [1, batch.valid[index], 1])
      samples.pointer.update(
        from: batch.values.pointer + index * longest, count: batch.valid[index])
      let heard = convolutions(samples, pass)
      let normalised = projectionNorm?(heard, result: pass.precision) ?? heard
      let x = projection?(normalised, result: .float32, pass) ?? normalised
      return place(
        configuration.mask(x.dropout(configuration.projectionDropout, pass), maskEmbedding, pass))
    }
    let segments = Segments(frames: frames)
    guard !parts.isEmpty else {
      return (Tensor(repeating: 0, shape: [0, configuration.hiddenSize]), segments)
    }
    var x = Tensor.stacked(parts)
    if !configuration.isStable { x = norm(x) }
    return (x.dropout(configuration.hiddenDropout, pass), segments)
  }

  package func positions(_ segments: Segments, _ pass: Pass) -> Tensor? {
    shared(frames: segments.longest)
  }

  package func logits(
    _ hidden: Tensor, _ segments: Segments, _ pass: Pass
  ) -> (logits: Tensor, segments: Segments) {
    var (x, segments) = (configuration.isStable ? norm(hidden) : hidden, segments)
    if let upsampling {
      // transformers fills up with a frame that hears nothing where the number of frames is odd.
      x = upsampling(x, pass).activated(configuration.extractorActivation, pass)
        .reshaped([x.rows * configuration.squeeze, configuration.hiddenSize])
      segments = Segments(
        frames: (0..<segments.count).map { segments.range($0).count * configuration.squeeze })
    }
    if let adapter { (x, segments) = adapter(x, segments, pass) }
    return (
      outputLayer(x.dropout(configuration.finalDropout, pass), result: .float32, pass), segments
    )
  }
}
