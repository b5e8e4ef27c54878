package import Basics
package import TensorEngine

/// The sizes of a network of convolutions, as NeMo's `ConvASREncoder` has them: Jasper, QuartzNet and Citrinet.
package struct JasperConfiguration: NetworkConfiguration {
  /// Several convolutions, each normalised, and what came in added to what they give.
  package struct Block: Sendable, Equatable {
    var filters, repeats: Int
    /// Frames that a convolution reads. Odd.
    var kernel: Int
    var stride = 1
    var dilation = 1
    var dropout: Float = 0
    var hasResidual = false
    /// Whether what came in takes the block's stride, to be added.
    var stridesResidual = false
    /// Whether only the last convolution takes the stride.
    var stridesLast = false
    /// Each convolution by channel, then one that mixes them.
    var isSeparable = false
    /// Channels to one that each utterance's mean is squeezed to; nil for none.
    var squeeze: Int?

    var strides: [Int] {
      (0..<repeats).map { stridesLast && $0 < repeats - 1 ? 1 : stride }
    }

    /// Before the first frame.
    var padding: Int { dilation * (kernel - 1) / 2 }

    func frames(_ count: Int) -> Int {
      strides.reduce(count) {
        $0 == 0 ? 0 : ($0 + 2 * padding - dilation * (kernel - 1) - 1) / $1 + 1
      }
    }
  }

  package var inputBins = 64
  var blocks: [Block] = []
  var activation = Activation.relu
  /// Whether convolutions have names of their own, as masked ones have.
  var isMasked = true
  package var labelCount = 29
  package var blank = 28
  package var layerDrop: Float { 0 }
  package var adapterWidth: Int?
  /// `encoder` as it was read.
  private var encoder: JSONValue = [:]

  package var family: String {
    blocks.contains { $0.squeeze != nil }
      ? "Citrinet (ConvASREncoder)"
      : blocks.contains { $0.isSeparable }
        ? "QuartzNet (ConvASREncoder)" : "Jasper (ConvASREncoder)"
  }

  package var summary: String {
    let convolutions = blocks.reduce(0) { $0 + $1.repeats }
    return
      "\(blocks.count) blocks of \(convolutions) convolutions over \(blocks.map(\.kernel).min()!) to \(blocks.map(\.kernel).max()!) frames, up to \(blocks.map(\.filters).max()!) channels; the \(layerCount) from the top are layers"
  }

  /// Blocks up to the last that leaves fewer frames: what comes after them works on as many as come out.
  var entryCount: Int { (blocks.lastIndex { $0.stride > 1 } ?? -1) + 1 }

  package var layerCount: Int {
    get { blocks.count - entryCount }
    set { blocks.removeLast(max(0, blocks.count - entryCount - newValue)) }
  }

  package func layerWidth(_ depth: Int) -> Int {
    entryCount + depth == 0 ? inputBins : blocks[entryCount + depth - 1].filters
  }

  package var subsamplingFactor: Int {
    blocks.reduce(1) { $1.strides.reduce($0, *) }
  }

  package func outputFrames(_ frames: Int) -> Int { blocks.reduce(frames) { $1.frames($0) } }

  package init() {}

  /// Reads the `encoder` of NeMo's `model_config.yaml`, or of what `json` wrote.
  ///
  /// - Throws: `.unsupported` for a setting that cannot be followed; `.invalidData` or `.invalidModel`; each names
  ///   the file and the setting.
  package init(encoder: JSONNode) throws {
    self.encoder = encoder.value ?? [:]
    let splicing = try encoder["frame_splicing"].int(default: 1)
    inputBins = try encoder["feat_in"].int()
    isMasked = try encoder["conv_mask"].bool(default: true)
    func refuse(_ setting: JSONNode, _ known: String) -> IdiolectError {
      IdiolectError(
        .unsupported,
        "\(setting.file): \(setting.keyPath) is \(setting.value?.text(.compact) ?? "missing"); only \(known) can be opened"
      )
    }
    guard splicing == 1 else { throw refuse(encoder["frame_splicing"], "1") }
    switch try encoder["activation"].string(default: "relu") {
    case "relu": activation = .relu
    case "swish": activation = .silu
    default: throw refuse(encoder["activation"], "relu and swish")
    }
    guard try encoder["normalization_mode"].string(default: "batch") == "batch" else {
      throw refuse(encoder["normalization_mode"], "batch")
    }
    let common = try encoder["residual_mode"].string(default: "add")
    blocks = try encoder["jasper"].array().map { node in
      func first(_ key: String) throws -> Int {
        if case .array(let values)? = node[key].value, values.count == 1 {
          return try node[key][0].int()
        }
        return try node[key].int()
      }
      for (key, wanted) in [
        ("groups", JSONValue.integer(1)), ("heads", -1), ("residual_dense", false),
        ("se_context_size", -1), ("future_context", -1),
      ] {
        guard !node[key].exists || node[key].value == wanted else {
          throw refuse(node[key], wanted.text(.compact))
        }
      }
      let mode = try node["residual_mode"].string(default: common)
      guard ["add", "stride_add"].contains(mode) else {
        throw refuse(node["residual_mode"], "add and stride_add")
      }
      let factor = try node["kernel_size_factor"].double(default: 1)
      let wanted = try first("kernel")
      guard (0.01...100).contains(factor), (1...100_000).contains(wanted) else {
        throw refuse(node["kernel"], "1 to 100,000 and kernel_size_factor 0.01 to 100")
      }
      // Rounded down, then up to an odd one.
      let kernel = max(1, Int(Double(wanted) * factor)) / 2 * 2 + 1
      var block = Block(
        filters: try node["filters"].int(), repeats: try node["repeat"].int(), kernel: kernel)
      block.stride = try first("stride")
      block.dilation = try first("dilation")
      block.dropout = try node["dropout"].float(default: 0)
      block.hasResidual = try node["residual"].bool(default: true)
      block.stridesResidual = mode == "stride_add"
      block.stridesLast = try node["stride_last"].bool(default: false)
      block.isSeparable = try node["separable"].bool(default: false)
      if try node["se"].bool(default: false) {
        block.squeeze = try node["se_reduction_ratio"].int(default: 8)
      }
      return block
    }
  }

  /// Not of a layout that others open: what NeMo says of the encoder, under a name of our own.
  package var json: JSONValue {
    var object = encoder.object ?? JSONObject()
    if let all = object["jasper"]?.array {
      object["jasper"] = .array(Array(all.prefix(blocks.count)))
    }
    return [
      "architectures": ["ConvASREncoderForCTC"],
      "model_type": .string(JasperConfiguration.modelType),
      "vocab_size": .integer(labelCount), "pad_token_id": .integer(blank),
      "adapter_attn_dim": adapterWidth.map { .integer($0) } ?? .null, "encoder": .object(object),
    ]
  }

  package static let modelType = "nemo-conv-asr"

  /// - Parameter config: as `json` wrote it.
  package init(_ config: JSONNode) throws {
    try self.init(encoder: config["encoder"])
    labelCount = try config["vocab_size"].int()
    blank = try config["pad_token_id"].int()
    adapterWidth =
      config["adapter_attn_dim"].exists ? try config["adapter_attn_dim"].int() : nil
    try validate(file: config.file)
  }

  package func validate(file: String) throws {
    func require(_ holds: Bool, _ what: String) throws {
      if !holds { throw IdiolectError(.invalidModel, "\(file): \(what)") }
    }
    try require(
      (1...1000).contains(blocks.count), "jasper has \(blocks.count) blocks, 1 to 1,000 make sense")
    for (name, value) in [
      ("feat_in", inputBins), ("num_classes", labelCount), ("adapter_attn_dim", adapterWidth ?? 1),
    ] {
      try require(
        value > 0 && value <= 1 << 20, "\(name) is \(value), it must lie in 1 … 1,048,576")
    }
    for (index, block) in blocks.enumerated() {
      for (name, value, most) in [
        ("filters", block.filters, 1 << 20), ("repeat", block.repeats, 100),
        ("kernel", block.kernel, 10_001), ("stride", block.stride, 64),
        ("dilation", block.dilation, 1024),
        ("se_reduction_ratio", block.squeeze ?? 1, block.filters),
      ] {
        try require(
          (1...max(1, most)).contains(value),
          "jasper[\(index)].\(name) is \(value), it must lie in 1 … \(most)")
      }
      try require(
        block.dropout >= 0 && block.dropout < 1,
        "jasper[\(index)].dropout is \(block.dropout), it must lie in 0 ..< 1")
      try require(
        block.stride == 1 || block.dilation == 1,
        "jasper[\(index)] has a stride and a dilation; one of them must be 1")
      let shrinks = block.strides.reduce(1, *) > 1
      try require(
        !block.hasResidual || !shrinks
          || block.stridesResidual && (block.stridesLast || block.repeats == 1),
        "jasper[\(index)] adds what came in to fewer frames; residual_mode must be stride_add, with stride_last"
      )
    }
    try require(
      blocks.reduce(1.0) { $1.strides.reduce($0) { $0 * Double($1) } } <= 1e6,
      "the strides of jasper make a frame of more than a million")
    try require(layerCount >= 1, "jasper's last block takes a stride: no layer comes after it")
    try require(
      blank >= 0 && blank < labelCount, "the blank (\(blank)) lies outside \(labelCount) labels")
  }

  package func network(from source: ParameterSource) throws -> any AcousticNetwork {
    try Jasper(self, from: source)
  }
}
