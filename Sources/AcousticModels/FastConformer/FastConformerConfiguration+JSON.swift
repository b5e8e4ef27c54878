package import Basics

extension FastConformerConfiguration {
  /// Of what transformers has the network for.
  package static let modelType = "parakeet_ctc"
  /// Of what it has not, for `ParakeetForCTC` subsamples by depthwise convolutions alone: a layout of our own.
  package static let plainModelType = "nemo-conformer-ctc"

  /// Reads `config.json` of a `ParakeetForCTC`, or what `json` wrote; what it does not state is the layout's default.
  ///
  /// - Throws: `.invalidModel` or `.invalidData` that names the file and the setting.
  package init(_ config: JSONNode) throws {
    self.init()
    let encoder = config["encoder_config"]
    hiddenSize = try encoder["hidden_size"].int(default: hiddenSize)
    layerCount = try encoder["num_hidden_layers"].int(default: layerCount)
    headCount = try encoder["num_attention_heads"].int(default: headCount)
    intermediateSize = try encoder["intermediate_size"].int(default: intermediateSize)
    attentionBias = try encoder["attention_bias"].bool(default: attentionBias)
    convolutionBias = try encoder["convolution_bias"].bool(default: convolutionBias)
    convolutionKernel = try encoder["conv_kernel_size"].int(default: convolutionKernel)
    subsamplingFactor = try encoder["subsampling_factor"].int(default: subsamplingFactor)
    subsamplingChannels = try encoder["subsampling_conv_channels"].int(default: subsamplingChannels)
    hasPlainSubsampling =
      try config["model_type"].string(default: "") == FastConformerConfiguration.plainModelType
    melBins = try encoder["num_mel_bins"].int(default: melBins)
    scalesInput = try encoder["scale_input"].bool(default: scalesInput)
    labelCount = try config["vocab_size"].int(default: labelCount)
    blank = try config["pad_token_id"].int(default: blank)
    dropout = try encoder["dropout"].float(default: dropout)
    activationDropout = try encoder["activation_dropout"].float(default: activationDropout)
    attentionDropout = try encoder["attention_dropout"].float(default: attentionDropout)
    positionDropout = try encoder["dropout_positions"].float(default: positionDropout)
    layerDrop = try encoder["layerdrop"].float(default: layerDrop)
    let adapter = encoder["adapter_attn_dim"]
    adapterWidth = adapter.exists ? try adapter.int() : nil
    for (key, only) in [
      ("subsampling_conv_kernel_size", 3), ("subsampling_conv_stride", 2),
      ("num_key_value_heads", headCount),
    ] {
      let value = try encoder[key].int(default: only)
      guard value == only else {
        throw IdiolectError(
          .unsupported, "\(config.file): \(key) is \(value); only \(only) is supported here")
      }
    }
    let activation = try encoder["hidden_act"].string(default: "silu")
    guard activation == "silu" else {
      throw IdiolectError(
        .unsupported, "\(config.file): hidden_act is '\(activation)'; only 'silu' is supported")
    }
    try validate(file: config.file)
  }

  /// `config.json`, as `AutoModelForCTC` reads it, of networks that it has.
  package var json: JSONValue {
    var encoder: JSONObject = [
      "model_type": hasPlainSubsampling ? "nemo-conformer" : "parakeet_encoder",
      "hidden_size": .integer(hiddenSize),
      "num_hidden_layers": .integer(layerCount),
      "num_attention_heads": .integer(headCount),
      "num_key_value_heads": .integer(headCount),
      "intermediate_size": .integer(intermediateSize),
      "hidden_act": "silu",
      "attention_bias": .bool(attentionBias),
      "convolution_bias": .bool(convolutionBias),
      "conv_kernel_size": .integer(convolutionKernel),
      "subsampling_factor": .integer(subsamplingFactor),
      "subsampling_conv_channels": .integer(subsamplingChannels),
      "subsampling_conv_kernel_size": 3,
      "subsampling_conv_stride": 2,
      "num_mel_bins": .integer(melBins),
      "scale_input": .bool(scalesInput),
      "max_position_embeddings": 5000,
      "dropout": .rate(dropout),
      "dropout_positions": .rate(positionDropout),
      "layerdrop": .rate(layerDrop),
      "activation_dropout": .rate(activationDropout),
      "attention_dropout": .rate(attentionDropout),
    ]
    encoder["adapter_attn_dim"] = adapterWidth.map { .integer($0) }
    return [
      "architectures": [hasPlainSubsampling ? "ConformerEncoderForCTC" : "ParakeetForCTC"],
      "model_type": .string(
        hasPlainSubsampling
          ? FastConformerConfiguration.plainModelType : FastConformerConfiguration.modelType),
      "dtype": "float32",
      "vocab_size": .integer(labelCount),
      "pad_token_id": .integer(blank),
      "ctc_loss_reduction": "mean",
      "ctc_zero_infinity": true,
      "encoder_config": .object(encoder),
    ]
  }
}

extension JSONValue {
  /// A float as the shortest decimal that names it: 0.1, not 0.10000000149.
  fileprivate static func rate(_ value: Float) -> JSONValue {
    .number(Double(value.description) ?? Double(value))
  }
}
