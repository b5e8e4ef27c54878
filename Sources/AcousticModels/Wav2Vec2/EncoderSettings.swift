import Basics
import TensorEngine

/// What `Wav2Vec2ForCTC`, its kin and `Wav2Vec2BertForCTC` state alike in their `config.json`.
package struct EncoderSettings: Sendable {
  package var hiddenSize: Int
  package var layerCount: Int
  package var headCount: Int
  package var intermediateSize: Int
  package var epsilon: Float = 1e-5
  package var labelCount = 32
  package var blank = 0
  package var hiddenDropout: Float
  package var activationDropout: Float
  package var attentionDropout: Float
  package var projectionDropout: Float = 0
  package var finalDropout: Float = 0.1
  package var layerDrop: Float = 0.1
  var mask = FrameMask()
  package var adapterWidth: Int?
  /// What leaves fewer frames after the layers.
  var shrinking: Shrinking?
  /// As it was read: what is written again, but for what adapting changes.
  var original = JSONObject()

  /// - Parameter dropout: of the layers, of activations and of attention.
  init(size: Int, layers: Int, heads: Int, intermediate: Int, dropout: Float) {
    (hiddenSize, layerCount, headCount, intermediateSize) = (size, layers, heads, intermediate)
    (hiddenDropout, activationDropout, attentionDropout) = (dropout, dropout, dropout)
  }

  /// Reads what `config` states of these.
  ///
  /// - Parameter shrinkingLayers: how many there are where nothing says so.
  mutating func read(_ config: JSONNode, shrinkingLayers: Int) throws {
    original = config.value?.object ?? JSONObject()
    hiddenSize = try config["hidden_size"].int(default: hiddenSize)
    layerCount = try config["num_hidden_layers"].int(default: layerCount)
    headCount = try config["num_attention_heads"].int(default: headCount)
    intermediateSize = try config["intermediate_size"].int(default: intermediateSize)
    epsilon = try config["layer_norm_eps"].float(default: epsilon)
    labelCount = try config["vocab_size"].int(default: labelCount)
    blank = try config["pad_token_id"].int(default: blank)
    hiddenDropout = try config["hidden_dropout"].float(default: hiddenDropout)
    activationDropout = try config["activation_dropout"].float(default: activationDropout)
    attentionDropout = try config["attention_dropout"].float(default: attentionDropout)
    projectionDropout = try config["feat_proj_dropout"].float(default: projectionDropout)
    finalDropout = try config["final_dropout"].float(default: finalDropout)
    layerDrop = try config["layerdrop"].float(default: layerDrop)
    mask = try FrameMask(config)
    let width = config["adapter_attn_dim"]
    adapterWidth = width.exists ? try width.int() : nil
    shrinking = try Shrinking(config, hiddenSize: hiddenSize, layerCount: shrinkingLayers)
  }

  /// - Parameters:
  ///   - sizes: others that the network has, by their names.
  ///   - rates: other dropouts, likewise.
  ///   - require: throws what a setting is that does not hold.
  func validate(
    sizes: [(String, Int)], rates: [(String, Float)] = [],
    _ require: (_ holds: Bool, _ what: String) throws -> Void
  ) throws {
    for (name, value) in [
      ("hidden_size", hiddenSize), ("num_hidden_layers", layerCount),
      ("num_attention_heads", headCount), ("intermediate_size", intermediateSize),
      ("vocab_size", labelCount), ("adapter_attn_dim", adapterWidth ?? 1),
      ("mask_time_length", mask.length),
    ] + sizes {
      try require(
        value > 0 && value <= 1 << 20, "\(name) is \(value), it must lie in 1 … 1,048,576")
    }
    try require(
      hiddenSize % headCount == 0,
      "num_attention_heads (\(headCount)) does not divide hidden_size (\(hiddenSize))")
    try shrinking?.validate(require)
    try require(
      blank >= 0 && blank < labelCount,
      "pad_token_id (\(blank)), the blank, lies outside vocab_size (\(labelCount))")
    try require(
      epsilon > 0 && epsilon < 1, "layer_norm_eps is \(epsilon), it must lie between 0 and 1")
    for (name, rate) in [
      ("hidden_dropout", hiddenDropout), ("activation_dropout", activationDropout),
      ("attention_dropout", attentionDropout), ("feat_proj_dropout", projectionDropout),
      ("final_dropout", finalDropout), ("layerdrop", layerDrop), ("mask_time_prob", mask.share),
    ] + rates {
      try require(rate >= 0 && rate < 1, "\(name) is \(rate), it must lie in 0 ..< 1")
    }
  }

  /// Frames that layers after the encoder leave of so many.
  func shrunk(_ frames: Int) -> Int { shrinking?.frames(frames) ?? frames }

  /// Of what the output layer reads.
  var outputSize: Int { shrinking?.size ?? hiddenSize }

  /// As it was read, with what adapting changes.
  ///
  /// - Parameter made: of a network that was not read, beside the sizes.
  func json(_ made: JSONObject) -> JSONValue {
    var object = original
    if original.count == 0 {
      object = made
      object["hidden_size"] = .integer(hiddenSize)
      object["num_attention_heads"] = .integer(headCount)
      object["intermediate_size"] = .integer(intermediateSize)
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
}

/// A configuration with these settings among others, which reads as if they were its own.
@dynamicMemberLookup
package protocol EncoderConfiguration: NetworkConfiguration {
  var encoder: EncoderSettings { get set }
}

extension EncoderConfiguration {
  package subscript<Value>(
    dynamicMember path: WritableKeyPath<EncoderSettings, Value>
  ) -> Value {
    get { encoder[keyPath: path] }
    set { encoder[keyPath: path] = newValue }
  }

  package subscript<Value>(dynamicMember path: KeyPath<EncoderSettings, Value>) -> Value {
    encoder[keyPath: path]
  }

  package var layerCount: Int {
    get { encoder.layerCount }
    set { encoder.layerCount = newValue }
  }
  package var labelCount: Int {
    get { encoder.labelCount }
    set { encoder.labelCount = newValue }
  }
  package var blank: Int {
    get { encoder.blank }
    set { encoder.blank = newValue }
  }
  package var adapterWidth: Int? {
    get { encoder.adapterWidth }
    set { encoder.adapterWidth = newValue }
  }
  package var layerDrop: Float { encoder.layerDrop }
  package var masksFrames: Bool { true }
  package func layerWidth(_ depth: Int) -> Int { encoder.hiddenSize }
}

extension ConformerShape {
  /// Of layers with these settings: biases but in the convolution.
  init(_ encoder: EncoderSettings, kernel: Int, dropout: Float) {
    self.init(
      size: encoder.hiddenSize, headCount: encoder.headCount,
      intermediateSize: encoder.intermediateSize, kernel: kernel)
    convolutionHasBias = false
    dropouts = .init(
      feedForward: encoder.hiddenDropout, attention: encoder.attentionDropout,
      convolution: dropout, activation: encoder.activationDropout,
      weights: encoder.attentionDropout)
    adapterWidth = encoder.adapterWidth
  }
}
