package import Basics
package import TensorEngine

/// The sizes of a `Wav2Vec2BertForCTC`, as its `config.json` states them.
package struct Wav2Vec2BertConfiguration: EncoderConfiguration {
  package var encoder = EncoderSettings(
    size: 1024, layers: 24, heads: 16, intermediate: 4096, dropout: 0)
  package var inputBins = 160
  package var activation = Activation.silu
  package var positions = AttentionPositions.learnt(before: 64, after: 8)
  /// Of rotary positions.
  package var rotaryBase = 10_000
  package var kernel = 31
  package var convolutionDropout: Float = 0.1
  var shrinkingActivation = Activation.relu
  /// Whether half a feed-forward comes before those.
  var feedsForwardBefore = false

  package var family: String { "Wav2Vec2-BERT (Wav2Vec2BertForCTC)" }

  package var summary: String {
    "\(layerCount) Conformer blocks of \(encoder.hiddenSize), \(encoder.headCount) attention heads, feed-forward \(encoder.intermediateSize), causal convolution over \(kernel) frames"
  }

  package var layerSubsamplingFactor: Int { 1 }
  package var subsamplingFactor: Int { encoder.shrinking?.factor ?? 1 }

  package func outputFrames(_ frames: Int) -> Int { encoder.shrunk(frames) }

  package init() {}

  /// - Throws: `.invalidModel`, `.invalidData` or `.unsupported` that names the file and the setting.
  package init(_ config: JSONNode) throws {
    try encoder.read(config, shrinkingLayers: 1)
    inputBins = try config["feature_projection_input_dim"].int(default: inputBins)
    activation = try Activation(config["hidden_act"], default: "swish")
    positions = try AttentionPositions(
      config["position_embeddings_type"],
      known: [.relative, .rotary, .learnt(before: 0, after: 0)], default: "relative_key")
    if case .learnt = positions {
      positions = .learnt(
        before: try config["left_max_position_embeddings"].int(default: 64),
        after: try config["right_max_position_embeddings"].int(default: 8))
    }
    rotaryBase = try config["rotary_embedding_base"].int(default: rotaryBase)
    kernel = try config["conv_depthwise_kernel_size"].int(default: kernel)
    // There is no default of it.
    encoder.labelCount = try config["vocab_size"].int()
    convolutionDropout = try config["conformer_conv_dropout"].float(default: convolutionDropout)
    if let stride = encoder.shrinking?.stride { encoder.shrinking?.padding = stride / 2 }
    shrinkingActivation = try Activation(config["adapter_act"], default: "relu")
    feedsForwardBefore = try config["use_intermediate_ffn_before_adapter"].bool(default: false)
    try validate(file: config.file)
  }

  package var json: JSONValue {
    encoder.json([
      "architectures": ["Wav2Vec2BertForCTC"], "model_type": "wav2vec2-bert",
      "feature_projection_input_dim": .integer(inputBins),
      "conv_depthwise_kernel_size": .integer(kernel),
    ])
  }

  package func validate(file: String) throws {
    func require(_ holds: Bool, _ what: String) throws {
      if !holds { throw IdiolectError(.invalidModel, "\(file): \(what)") }
    }
    var (before, after) = (0, 0)
    if case .learnt(let left, let right) = positions { (before, after) = (left, right) }
    try encoder.validate(
      sizes: [
        ("feature_projection_input_dim", inputBins), ("conv_depthwise_kernel_size", kernel),
        ("rotary_embedding_base", rotaryBase), ("left_max_position_embeddings", before + 1),
        ("right_max_position_embeddings", after + 1),
      ], rates: [("conformer_conv_dropout", convolutionDropout)], require)
    let (headCount, outputSize) = (encoder.headCount, encoder.outputSize)
    try require(
      outputSize % headCount == 0,
      "num_attention_heads (\(headCount)) does not divide output_hidden_size (\(outputSize))")
    try require(
      encoder.hiddenSize / headCount % 2 == 0,
      "num_attention_heads (\(headCount)) leaves heads of an odd size")
    try require(kernel % 2 == 1, "conv_depthwise_kernel_size (\(kernel)) must be odd")
    try require(
      !feedsForwardBefore || encoder.shrinking != nil,
      "use_intermediate_ffn_before_adapter without add_adapter")
  }

  var sharedPositions: SharedPositions.Settings {
    switch positions {
    case .relative: .relative
    case .rotary: .rotary(base: rotaryBase)
    default: .none
    }
  }

  /// Of each layer.
  var block: ConformerShape {
    var shape = ConformerShape(encoder, kernel: kernel, dropout: convolutionDropout)
    (shape.activation, shape.positions) = (activation, positions)
    (shape.epsilon, shape.isCausal) = (encoder.epsilon, true)
    shape.names = .wav2vec2(depthwiseNorm: "depthwise_layer_norm")
    return shape
  }

  package func network(from source: ParameterSource) throws -> any AcousticNetwork {
    try Wav2Vec2Bert(self, from: source)
  }
}
