package import Basics
import TensorEngine

extension Wav2Vec2Configuration {
  /// Reads `config.json`; what it does not state is transformers' default for the kind.
  ///
  /// - Throws: `.invalidModel`, `.invalidData` or `.unsupported` that names the file and the setting.
  package init(_ config: JSONNode) throws {
    self.init()
    try encoder.read(config, shrinkingLayers: 3)
    let type = try config["model_type"].string(default: "wav2vec2")
    guard let kind = Kind(rawValue: type) else {
      throw IdiolectError(
        .unsupported, "\(config.file): model_type is '\(type)', no kin of wav2vec2")
    }
    self.kind = kind
    if kind == .sew {
      convolutionChannels = [64] + [Int](repeating: 128, count: 4)
      convolutionChannels += [Int](repeating: 256, count: 4) + [Int](repeating: 512, count: 4)
      convolutionStrides = [5] + (0..<6).flatMap { _ in [2, 1] }
      convolutionKernels = [10, 3, 1, 3, 1, 3, 1, 3, 1, 2, 1, 2, 1]
      squeeze = try config["squeeze_factor"].int(default: 2)
    }
    activation = try Activation(config["hidden_act"], default: "gelu")
    try readExtractor(config)
    try readPositions(config)
    if kind == .unispeechSat { encoder.mask.hasEmbedding = true }
    isStable =
      switch kind {
      case .data2vec, .sew: false
      // What its blocks give is normalised once more after the last.
      case .conformer: true
      default: try config["do_stable_layer_norm"].bool(default: false)
      }
    try validate(file: config.file)
  }

  private mutating func readExtractor(_ config: JSONNode) throws {
    extractorActivation = try Activation(config["feat_extract_activation"], default: "gelu")
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
    if kind == .hubert {
      normalisesExtracted = try config["feat_proj_layer_norm"].bool(default: true)
    }
  }

  private mutating func readPositions(_ config: JSONNode) throws {
    positionGroups = try config["num_conv_pos_embedding_groups"].int(default: positionGroups)
    guard kind != .data2vec else {
      positions = .stack(try config["num_conv_pos_embeddings"].int(default: 5))
      positionKernel = try config["conv_pos_kernel_size"].int(default: 19)
      return
    }
    positionKernel = try config["num_conv_pos_embeddings"].int(default: positionKernel)
    switch kind {
    case .hubert where try config["conv_pos_batch_norm"].bool(default: false):
      positions = .batchNorm
    case .wavlm:
      distances.count = try config["num_buckets"].int(default: distances.count)
      distances.farthest = try config["max_bucket_distance"].int(default: distances.farthest)
    case .conformer:
      var block = Conformer()
      block.positions = try AttentionPositions(
        config["position_embeddings_type"], known: [.relative, .rotary], default: "relative")
      block.rotaryBase = try config["rotary_embedding_base"].int(default: block.rotaryBase)
      block.kernel = try config["conv_depthwise_kernel_size"].int(default: block.kernel)
      block.dropout = try config["conformer_conv_dropout"].float(default: block.dropout)
      (positions, conformer) = (.unheard, block)
    default: break
    }
  }

  package var json: JSONValue {
    encoder.json([
      "architectures": [.string(kind.architecture)], "model_type": .string(kind.rawValue),
      "feat_extract_norm": .string(extractorNorm.rawValue),
      "conv_dim": .array(convolutionChannels.map { .integer($0) }),
      "conv_stride": .array(convolutionStrides.map { .integer($0) }),
      "conv_kernel": .array(convolutionKernels.map { .integer($0) }),
      "conv_bias": .bool(convolutionBias), "num_conv_pos_embeddings": .integer(positionKernel),
      "num_conv_pos_embedding_groups": .integer(positionGroups),
      "do_stable_layer_norm": .bool(isStable),
    ])
  }
}

extension Activation {
  /// As transformers names it.
  init(_ setting: JSONNode, default name: String) throws {
    let name = try setting.string(default: name)
    let others = ["gelu_new": "gelu_pytorch_tanh", "swish": "silu"]
    guard let known = Activation(rawValue: others[name] ?? name) else {
      throw IdiolectError(
        .unsupported, "\(setting.file): \(setting.keyPath) is '\(name)', which is not known")
    }
    self = known
  }
}

extension AttentionPositions {
  /// As transformers names them, or `null`; `before` and `after` of learnt ones are to be read beside them.
  init(_ setting: JSONNode, known: [AttentionPositions], default name: String) throws {
    // Stated as null there are none; not stated at all there is the default.
    let name =
      setting.value == .null ? "null" : try setting.string(default: name)
    let found: AttentionPositions? =
      switch name {
      case "null": AttentionPositions.none
      case "relative": .relative
      case "rotary": .rotary
      case "relative_key": .learnt(before: 0, after: 0)
      default: nil
      }
    guard let found, found == .none || known.contains(found) else {
      throw IdiolectError(
        .unsupported, "\(setting.file): \(setting.keyPath) is '\(name)', which is not known")
    }
    self = found
  }
}
