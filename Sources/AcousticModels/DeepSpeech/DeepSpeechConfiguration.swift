package import Basics
package import TensorEngine

/// The sizes of Mozilla's and Coqui's DeepSpeech.
package struct DeepSpeechConfiguration: NetworkConfiguration {
  /// Numbers of a frame with those beside it.
  package var inputBins = 19 * 26
  /// Of the dense layers below the recurrent one, of that, and of the one above it.
  var widths = [2048, 2048, 2048, 2048, 2048]
  package var labelCount = 29
  package var blank = 28
  var dropout: Float = 0.05
  /// Of the layers in the published network, those that are kept.
  package var layerCount = 5

  package var layerDrop: Float { 0 }
  package var adapterWidth: Int?

  package var family: String { "DeepSpeech" }
  package var summary: String {
    "three dense layers of \(widths[0]), one recurrent of \(widths[3]), one dense of \(widths[4]); the lowest \(layerCount) of them"
  }
  package var subsamplingFactor: Int { 1 }
  package func outputFrames(_ frames: Int) -> Int { frames }
  package func layerWidth(_ depth: Int) -> Int { depth == 0 ? inputBins : widths[depth - 1] }

  package static let modelType = "deepspeech"

  package init() {}

  /// Reads what `json` wrote.
  ///
  /// - Throws: `.invalidData` or `.invalidModel` that names the file and the setting.
  package init(_ config: JSONNode) throws {
    inputBins = try config["input_size"].int()
    widths = try config["layer_sizes"].ints()
    layerCount = try config["num_hidden_layers"].int()
    labelCount = try config["vocab_size"].int()
    blank = try config["pad_token_id"].int()
    dropout = try config["dropout"].float(default: dropout)
    adapterWidth =
      config["adapter_attn_dim"].exists ? try config["adapter_attn_dim"].int() : nil
    try validate(file: config.file)
  }

  /// Of a layout of our own.
  package var json: JSONValue {
    [
      "architectures": ["DeepSpeechForCTC"],
      "model_type": .string(DeepSpeechConfiguration.modelType),
      "input_size": .integer(inputBins), "layer_sizes": .array(widths.map { .integer($0) }),
      "num_hidden_layers": .integer(layerCount), "vocab_size": .integer(labelCount),
      "pad_token_id": .integer(blank), "dropout": .number(Double(dropout)),
      "adapter_attn_dim": adapterWidth.map { .integer($0) } ?? .null,
    ]
  }

  package func validate(file: String) throws {
    func require(_ holds: Bool, _ what: String) throws {
      if !holds { throw IdiolectError(.invalidModel, "\(file): \(what)") }
    }
    try require(widths.count == 5, "layer_sizes has \(widths.count) numbers, must have 5")
    for (name, value) in [
      ("input_size", inputBins), ("vocab_size", labelCount),
      ("adapter_attn_dim", adapterWidth ?? 1),
    ] + widths.map({ ("layer_sizes", $0) }) {
      try require(
        value > 0 && value <= 1 << 20, "\(name) is \(value), it must lie in 1 … 1,048,576")
    }
    try require(
      (1...5).contains(layerCount), "num_hidden_layers is \(layerCount), it must lie in 1 … 5")
    try require(
      blank >= 0 && blank < labelCount,
      "pad_token_id (\(blank)), the blank, lies outside vocab_size (\(labelCount))")
    try require(dropout >= 0 && dropout < 1, "dropout is \(dropout), it must lie in 0 ..< 1")
  }

  package func network(from source: ParameterSource) throws -> any AcousticNetwork {
    try DeepSpeech(self, from: source)
  }
}
