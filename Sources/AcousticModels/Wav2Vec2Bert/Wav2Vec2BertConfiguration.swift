package import Basics
package import TensorEngine

/// The sizes of a `Wav2Vec2BertForCTC`, as its `config.json` states them.
package struct Wav2Vec2BertConfiguration: NetworkConfiguration {
  package var hiddenSize = 1024
  package var layerCount = 24
  package var headCount = 16
  package var intermediateSize = 4096
  package var inputBins = 160
  package var activation = Activation.silu
  package var positions = AttentionPositions.learnt(before: 64, after: 8)
  /// Of rotary positions.
  package var rotaryBase = 10_000
  package var kernel = 31
  package var epsilon: Float = 1e-5
  package var labelCount = 32
  package var blank = 0
  package var hiddenDropout: Float = 0
  package var activationDropout: Float = 0
  package var attentionDropout: Float = 0
  package var projectionDropout: Float = 0
  package var convolutionDropout: Float = 0.1
  package var finalDropout: Float = 0.1
  package var layerDrop: Float = 0.1
  var mask = FrameMask()
  package var adapterWidth: Int?
  /// Layers after the encoder that leave fewer frames.
  var shrinking: Shrinking?
  var shrinkingActivation = Activation.relu
  /// Whether half a feed-forward comes before those.
  var feedsForwardBefore = false
  /// As it was read: what is written again, but for what adapting changes.
  private var original = JSONObject()

  package var family: String { "Wav2Vec2-BERT (Wav2Vec2BertForCTC)" }

  package var summary: String {
    "\(layerCount) Conformer blocks of \(hiddenSize), \(headCount) attention heads, feed-forward \(intermediateSize), causal convolution over \(kernel) frames"
  }

  package var masksFrames: Bool { true }
  package func layerWidth(_ depth: Int) -> Int { hiddenSize }
  package var layerSubsamplingFactor: Int { 1 }
  package var subsamplingFactor: Int { shrinking?.factor ?? 1 }

  package func outputFrames(_ frames: Int) -> Int { shrinking?.frames(frames) ?? frames }

  /// Of what the output layer reads.
  var outputSize: Int { shrinking?.size ?? hiddenSize }

  package init() {}

  /// - Throws: `.invalidModel`, `.invalidData` or `.unsupported` that names the file and the setting.
  package init(_ config: JSONNode) throws {
    original = config.value?.object ?? JSONObject()
    hiddenSize = try config["hidden_size"].int(default: hiddenSize)
    layerCount = try config["num_hidden_layers"].int(default: layerCount)
    headCount = try config["num_attention_heads"].int(default: headCount)
    intermediateSize = try config["intermediate_size"].int(default: intermediateSize)
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
    epsilon = try config["layer_norm_eps"].float(default: epsilon)
    labelCount = try config["vocab_size"].int()
    blank = try config["pad_token_id"].int(default: blank)
    hiddenDropout = try config["hidden_dropout"].float(default: hiddenDropout)
    activationDropout = try config["activation_dropout"].float(default: activationDropout)
    attentionDropout = try config["attention_dropout"].float(default: attentionDropout)
    projectionDropout = try config["feat_proj_dropout"].float(default: projectionDropout)
    convolutionDropout = try config["conformer_conv_dropout"].float(default: convolutionDropout)
    finalDropout = try config["final_dropout"].float(default: finalDropout)
    layerDrop = try config["layerdrop"].float(default: layerDrop)
    mask = try FrameMask(config)
    let width = config["adapter_attn_dim"]
    adapterWidth = width.exists ? try width.int() : nil
    shrinking = try Shrinking(config, hiddenSize: hiddenSize, layerCount: 1)
    if let stride = shrinking?.stride { shrinking?.padding = stride / 2 }
    shrinkingActivation = try Activation(config["adapter_act"], default: "relu")
    feedsForwardBefore = try config["use_intermediate_ffn_before_adapter"].bool(default: false)
    try validate(file: config.file)
  }

  package var json: JSONValue {
    var object = original
    if original.count == 0 {
      object["architectures"] = ["Wav2Vec2BertForCTC"]
      object["model_type"] = "wav2vec2-bert"
      object["hidden_size"] = .integer(hiddenSize)
      object["num_attention_heads"] = .integer(headCount)
      object["intermediate_size"] = .integer(intermediateSize)
      object["feature_projection_input_dim"] = .integer(inputBins)
      object["conv_depthwise_kernel_size"] = .integer(kernel)
    }
    object["dtype"] = "float32"
    object["num_hidden_layers"] = .integer(layerCount)
    object["vocab_size"] = .integer(labelCount)
    object["pad_token_id"] = .integer(blank)
    if adapterWidth != nil || object["adapter_attn_dim"] != nil {
      object["adapter_attn_dim"] = adapterWidth.map { .integer($0) } ?? .null
    }
    return .object(object)
  }

  package func validate(file: String) throws {
    func require(_ holds: Bool, _ what: String) throws {
      if !holds { throw IdiolectError(.invalidModel, "\(file): \(what)") }
    }
    var (before, after) = (0, 0)
    if case .learnt(let left, let right) = positions { (before, after) = (left, right) }
    for (name, value) in [
      ("hidden_size", hiddenSize), ("num_hidden_layers", layerCount),
      ("num_attention_heads", headCount), ("intermediate_size", intermediateSize),
      ("feature_projection_input_dim", inputBins), ("conv_depthwise_kernel_size", kernel),
      ("vocab_size", labelCount), ("rotary_embedding_base", rotaryBase),
      ("left_max_position_embeddings", before + 1), ("right_max_position_embeddings", after + 1),
      ("adapter_attn_dim", adapterWidth ?? 1), ("mask_time_length", mask.length),
    ] {
      try require(
        value > 0 && value <= 1 << 20, "\(name) is \(value), it must lie in 1 … 1,048,576")
    }
    for (name, size) in [("hidden_size", hiddenSize), ("output_hidden_size", outputSize)] {
      try require(
        size % headCount == 0,
        "num_attention_heads (\(headCount)) does not divide \(name) (\(size))")
    }
    try require(
      hiddenSize / headCount % 2 == 0,
      "num_attention_heads (\(headCount)) leaves heads of an odd size")
    try require(kernel % 2 == 1, "conv_depthwise_kernel_size (\(kernel)) must be odd")
    try shrinking?.validate(require)
    try require(
      !feedsForwardBefore || shrinking != nil,
      "use_intermediate_ffn_before_adapter without add_adapter")
    try require(
      blank >= 0 && blank < labelCount,
      "pad_token_id (\(blank)), the blank, lies outside vocab_size (\(labelCount))")
    try require(epsilon > 0 && epsilon < 1, "layer_norm_eps is \(epsilon), it must lie in 0 … 1")
    for (name, rate) in [
      ("hidden_dropout", hiddenDropout), ("activation_dropout", activationDropout),
      ("attention_dropout", attentionDropout), ("feat_proj_dropout", projectionDropout),
      ("conformer_conv_dropout", convolutionDropout), ("final_dropout", finalDropout),
      ("layerdrop", layerDrop), ("mask_time_prob", mask.share),
    ] {
      try require(rate >= 0 && rate < 1, "\(name) is \(rate), it must lie in 0 ..< 1")
    }
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
    var shape = ConformerShape(
      size: hiddenSize, headCount: headCount, intermediateSize: intermediateSize, kernel: kernel)
    (shape.activation, shape.positions, shape.epsilon) = (activation, positions, epsilon)
    (shape.convolutionHasBias, shape.isCausal) = (false, true)
    shape.dropouts = .init(
      feedForward: hiddenDropout, attention: attentionDropout, convolution: convolutionDropout,
      activation: activationDropout, weights: attentionDropout)
    shape.adapterWidth = adapterWidth
    shape.names = .wav2vec2(depthwiseNorm: "depthwise_layer_norm")
    return shape
  }

  package func network(from source: ParameterSource) throws -> any AcousticNetwork {
    try Wav2Vec2Bert(self, from: source)
  }
}
