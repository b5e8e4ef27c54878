package import Basics
package import TensorEngine

/// The sizes of a `Wav2Vec2ForCTC` or of its kin, as its `config.json` states them.
package struct Wav2Vec2Configuration: NetworkConfiguration {
  /// Networks that differ from wav2vec 2.0 in how they were pretrained, and in little else.
  package enum Kind: String, Sendable, CaseIterable {
    case wav2vec2, hubert, unispeech
    case unispeechSat = "unispeech-sat"
    case data2vec = "data2vec-audio"

    /// What the names of parameters begin with.
    var prefix: String { rawValue.replacing("-", with: "_") }

    var architecture: String {
      switch self {
      case .wav2vec2: "Wav2Vec2ForCTC"
      case .hubert: "HubertForCTC"
      case .unispeech: "UniSpeechForCTC"
      case .unispeechSat: "UniSpeechSatForCTC"
      case .data2vec: "Data2VecAudioForCTC"
      }
    }
  }

  package enum Positions: Sendable, Equatable {
    /// One convolution, its weight kept as directions and lengths.
    case weightNorm
    /// One convolution of what was normalised by channel.
    case batchNorm
    /// So many convolutions, each normalised by frame.
    case stack(Int)
  }

  package enum ExtractorNorm: String, Sendable {
    /// Each channel of the first convolution over time.
    case group
    /// Every frame of every convolution over channels.
    case layer
  }

  package var kind = Kind.wav2vec2
  package var hiddenSize = 768
  package var layerCount = 12
  package var headCount = 12
  package var intermediateSize = 3072
  package var activation = Activation.gelu
  package var extractorNorm = ExtractorNorm.group
  package var extractorActivation = Activation.gelu
  package var convolutionChannels = [Int](repeating: 512, count: 7)
  package var convolutionStrides = [5, 2, 2, 2, 2, 2, 2]
  package var convolutionKernels = [10, 3, 3, 3, 3, 2, 2]
  package var convolutionBias = false
  package var normalisesExtracted = true
  package var positions = Positions.weightNorm
  package var positionKernel = 128
  package var positionGroups = 16
  /// Whether layers normalise what comes in, rather than what goes out.
  package var isStable = false
  package var epsilon: Float = 1e-5
  package var labelCount = 32
  package var blank = 0
  package var hiddenDropout: Float = 0.1
  package var activationDropout: Float = 0.1
  package var attentionDropout: Float = 0.1
  package var projectionDropout: Float = 0
  package var finalDropout: Float = 0.1
  package var layerDrop: Float = 0.1
  /// The share of frames that training masks, in spans of `maskLength`; 0 for none.
  package var maskShare: Float = 0.05
  package var maskLength = 10
  package var fewestMasks = 2
  package var hasMaskEmbedding = true
  package var adapterWidth: Int?
  /// As it was read: what is written again, but for what adapting changes.
  private var original = JSONObject()

  package var family: String { "Wav2Vec2 (\(kind.architecture))" }

  package var summary: String {
    "\(layerCount) layers of \(hiddenSize), \(headCount) attention heads, feed-forward \(intermediateSize), normalised \(isStable ? "before" : "after") each part; \(convolutionChannels.count) convolutions over samples, \(extractorNorm.rawValue) norm"
  }

  package var inputBins: Int { 1 }
  package var subsamplingFactor: Int { convolutionStrides.reduce(1, *) }

  package func outputFrames(_ frames: Int) -> Int {
    zip(convolutionKernels, convolutionStrides).reduce(frames) { length, convolution in
      length < convolution.0 ? 0 : (length - convolution.0) / convolution.1 + 1
    }
  }

  private var positionLayers: Int { if case .stack(let count) = positions { count } else { 1 } }

  package init() {}

  /// - Throws: `.invalidModel`, `.invalidData` or `.unsupported` that names the file and the setting.
  package init(_ config: JSONNode) throws {
    original = config.value?.object ?? JSONObject()
    let type = try config["model_type"].string(default: "wav2vec2")
    guard let kind = Kind(rawValue: type) else {
      throw IdiolectError(
        .unsupported, "\(config.file): model_type is '\(type)', no kin of wav2vec2")
    }
    self.kind = kind
    func activation(_ key: String) throws -> Activation {
      let name = try config[key].string(default: "gelu")
      guard let known = Activation(rawValue: name == "gelu_new" ? "gelu_pytorch_tanh" : name) else {
        throw IdiolectError(.unsupported, "\(config.file): \(key) is '\(name)', which is not known")
      }
      return known
    }
    hiddenSize = try config["hidden_size"].int(default: hiddenSize)
    layerCount = try config["num_hidden_layers"].int(default: layerCount)
    headCount = try config["num_attention_heads"].int(default: headCount)
    intermediateSize = try config["intermediate_size"].int(default: intermediateSize)
    self.activation = try activation("hidden_act")
    extractorActivation = try activation("feat_extract_activation")
    let norm =
      kind == .data2vec ? "layer" : try config["feat_extract_norm"].string(default: "group")
    guard let known = ExtractorNorm(rawValue: norm) else {
      throw IdiolectError(
        .unsupported,
        "\(config.file): feat_extract_norm is '\(norm)'; 'group' and 'layer' are known")
    }
    extractorNorm = known
    if config["conv_dim"].exists { convolutionChannels = try config["conv_dim"].ints() }
    if config["conv_stride"].exists { convolutionStrides = try config["conv_stride"].ints() }
    if config["conv_kernel"].exists { convolutionKernels = try config["conv_kernel"].ints() }
    convolutionBias = try config["conv_bias"].bool(default: false)
    if kind == .data2vec {
      positions = .stack(try config["num_conv_pos_embeddings"].int(default: 5))
      positionKernel = try config["conv_pos_kernel_size"].int(default: 19)
    } else {
      positionKernel = try config["num_conv_pos_embeddings"].int(default: positionKernel)
    }
    if kind == .hubert {
      normalisesExtracted = try config["feat_proj_layer_norm"].bool(default: true)
      if try config["conv_pos_batch_norm"].bool(default: false) { positions = .batchNorm }
    }
    positionGroups = try config["num_conv_pos_embedding_groups"].int(default: positionGroups)
    isStable = kind == .data2vec ? false : try config["do_stable_layer_norm"].bool(default: false)
    epsilon = try config["layer_norm_eps"].float(default: epsilon)
    labelCount = try config["vocab_size"].int(default: labelCount)
    blank = try config["pad_token_id"].int(default: blank)
    hiddenDropout = try config["hidden_dropout"].float(default: hiddenDropout)
    activationDropout = try config["activation_dropout"].float(default: activationDropout)
    attentionDropout = try config["attention_dropout"].float(default: attentionDropout)
    projectionDropout = try config["feat_proj_dropout"].float(default: projectionDropout)
    finalDropout = try config["final_dropout"].float(default: finalDropout)
    layerDrop = try config["layerdrop"].float(default: layerDrop)
    let masks = try config["apply_spec_augment"].bool(default: true)
    let share = try config["mask_time_prob"].float(default: maskShare)
    let featureShare = try config["mask_feature_prob"].float(default: 0)
    hasMaskEmbedding = share > 0 || featureShare > 0 || kind == .unispeechSat
    maskShare = masks ? share : 0
    maskLength = try config["mask_time_length"].int(default: maskLength)
    fewestMasks = try config["mask_time_min_masks"].int(default: fewestMasks)
    let width = config["adapter_attn_dim"]
    guard !width.exists || [.wav2vec2, .unispeech].contains(kind) else {
      throw IdiolectError(
        .unsupported, "\(config.file): adapter_attn_dim is no setting of \(kind.architecture)")
    }
    adapterWidth = width.exists ? try width.int() : nil
    if try config["add_adapter"].bool(default: false) {
      throw IdiolectError(
        .unsupported,
        "\(config.file): add_adapter, convolutions after the encoder, cannot be opened yet")
    }
    try validate(file: config.file)
  }

  package var json: JSONValue {
    var object = original
    if original.count == 0 {
      object["architectures"] = [.string(kind.architecture)]
      object["model_type"] = .string(kind.rawValue)
      object["hidden_size"] = .integer(hiddenSize)
      object["num_attention_heads"] = .integer(headCount)
      object["intermediate_size"] = .integer(intermediateSize)
      object["feat_extract_norm"] = .string(extractorNorm.rawValue)
      object["conv_dim"] = .array(convolutionChannels.map { .integer($0) })
      object["conv_stride"] = .array(convolutionStrides.map { .integer($0) })
      object["conv_kernel"] = .array(convolutionKernels.map { .integer($0) })
      object["conv_bias"] = .bool(convolutionBias)
      object["num_conv_pos_embeddings"] = .integer(positionKernel)
      object["num_conv_pos_embedding_groups"] = .integer(positionGroups)
      object["do_stable_layer_norm"] = .bool(isStable)
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
    let count = convolutionChannels.count
    try require(
      (1...32).contains(count) && convolutionStrides.count == count
        && convolutionKernels.count == count,
      "conv_dim, conv_stride and conv_kernel have \(count), \(convolutionStrides.count) and \(convolutionKernels.count) numbers; as many in each, 1 … 32"
    )
    for (name, value) in [
      ("hidden_size", hiddenSize), ("num_hidden_layers", layerCount),
      ("num_attention_heads", headCount), ("intermediate_size", intermediateSize),
      ("num_conv_pos_embeddings", positionLayers), ("conv_pos_kernel_size", positionKernel),
      ("num_conv_pos_embedding_groups", positionGroups), ("vocab_size", labelCount),
      ("adapter_attn_dim", adapterWidth ?? 1), ("mask_time_length", maskLength),
    ]
      + convolutionChannels.map({ ("conv_dim", $0) })
      + convolutionStrides.map({ ("conv_stride", $0) })
      + convolutionKernels.map({ ("conv_kernel", $0) })
    {
      try require(
        value > 0 && value <= 1 << 20, "\(name) is \(value), it must lie in 1 … 1,048,576")
    }
    try require(
      hiddenSize % headCount == 0,
      "num_attention_heads (\(headCount)) does not divide hidden_size (\(hiddenSize))")
    try require(
      hiddenSize % positionGroups == 0,
      "num_conv_pos_embedding_groups (\(positionGroups)) does not divide hidden_size (\(hiddenSize))"
    )
    try require(
      convolutionStrides.reduce(1.0) { $0 * Double($1) } <= 1e6,
      "the strides of conv_stride make a frame of more than a million samples")
    try require(
      blank >= 0 && blank < labelCount,
      "pad_token_id (\(blank)), the blank, lies outside vocab_size (\(labelCount))")
    try require(epsilon > 0 && epsilon < 1, "layer_norm_eps is \(epsilon), it must lie in 0 … 1")
    for (name, rate) in [
      ("hidden_dropout", hiddenDropout), ("activation_dropout", activationDropout),
      ("attention_dropout", attentionDropout), ("feat_proj_dropout", projectionDropout),
      ("final_dropout", finalDropout), ("layerdrop", layerDrop), ("mask_time_prob", maskShare),
    ] {
      try require(rate >= 0 && rate < 1, "\(name) is \(rate), it must lie in 0 ..< 1")
    }
    // Adapters lie where a layer's output is not normalised.
    try require(
      adapterWidth == nil || isStable, "adapter_attn_dim without do_stable_layer_norm")
  }

  package func network(from source: ParameterSource) throws -> any AcousticNetwork {
    try Wav2Vec2(self, from: source)
  }
}
