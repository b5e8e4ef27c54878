package import Basics
package import TensorEngine

/// The sizes of speech-to-text-wavenet.
public struct WaveNetConfiguration: NetworkConfiguration {
  /// Cepstral coefficients.
  package var inputBins = 20
  public var width = 128
  /// Frames of each dilated convolution, odd.
  public var kernel = 7
  public var stacks = 3
  /// Of the layers of a stack: frames from one that the convolution reads to the next.
  public var dilations = [1, 2, 4, 8, 16]
  /// Whether a frame hears only those before it.
  public var isCausal = false
  package var labelCount = 28
  package var blank = 27
  /// Of the layers, those that are kept.
  private var keptLayers: Int?

  public var layerCount: Int {
    get { keptLayers ?? stacks * dilations.count }
    set { keptLayers = newValue }
  }
  package var layerDrop: Float { 0 }
  package var adapterWidth: Int?

  package var family: String { "speech-to-text-wavenet" }
  package var summary: String {
    let reach = (0..<layerCount).reduce(1) { $0 + (kernel - 1) * dilations[$1 % dilations.count] }
    return
      "\(layerCount) gated layers of \(width), dilated by \(dilations.map(String.init).joined(separator: ", ")): an output frame hears \(reach) frames\(isCausal ? ", none of them later" : "")"
  }
  package var subsamplingFactor: Int { 1 }
  package func outputFrames(_ frames: Int) -> Int { frames }
  /// A frame, and beside it what the layers below gave.
  package func layerWidth(_ depth: Int) -> Int { 2 * width }

  package static let modelType = "speech-to-text-wavenet"

  public init() {}

  /// Reads what `json` wrote.
  ///
  /// - Throws: `.invalidData` or `.invalidModel` that names the file and the setting.
  package init(_ config: JSONNode) throws {
    inputBins = try config["input_size"].int()
    width = try config["hidden_size"].int()
    kernel = try config["kernel_size"].int()
    stacks = try config["num_stacks"].int()
    dilations = try config["dilations"].ints()
    isCausal = try config["causal"].bool(default: false)
    keptLayers = try config["num_hidden_layers"].int()
    labelCount = try config["vocab_size"].int()
    blank = try config["pad_token_id"].int()
    adapterWidth =
      config["adapter_attn_dim"].exists ? try config["adapter_attn_dim"].int() : nil
    try validate(file: config.file)
  }

  /// Of a layout of our own.
  package var json: JSONValue {
    [
      "architectures": ["WaveNetForCTC"],
      "model_type": .string(WaveNetConfiguration.modelType),
      "input_size": .integer(inputBins), "hidden_size": .integer(width),
      "kernel_size": .integer(kernel), "num_stacks": .integer(stacks),
      "dilations": .array(dilations.map { .integer($0) }), "causal": .bool(isCausal),
      "num_hidden_layers": .integer(layerCount), "vocab_size": .integer(labelCount),
      "pad_token_id": .integer(blank),
      "adapter_attn_dim": adapterWidth.map { .integer($0) } ?? .null,
    ]
  }

  /// Parameters of the matrices alone, so a little less than all; as a number that no size overflows.
  package var matrixParameters: Double {
    let size = Double(width)
    return Double(layerCount) * (2 * Double(kernel) + 1) * size * size
      + (Double(inputBins) + size + Double(labelCount)) * size
  }

  /// - Throws: `.invalidModel` that names the setting.
  public func validate(file: String) throws {
    func require(_ holds: Bool, _ what: String) throws {
      if !holds { throw IdiolectError(.invalidModel, "\(file): \(what)") }
    }
    for (name, value, limit) in [
      ("input_size", inputBins, 1 << 16), ("hidden_size", width, 1 << 16),
      ("kernel_size", kernel, 1 << 10), ("num_stacks", stacks, 1 << 10),
      ("dilations", dilations.min() ?? 0, 1 << 16), ("dilations", dilations.max() ?? 0, 1 << 16),
      ("the number of dilations", dilations.count, 1 << 10), ("vocab_size", labelCount, 1 << 20),
      ("adapter_attn_dim", adapterWidth ?? 1, 1 << 16),
    ] {
      try require(
        (1...limit).contains(value), "\(name) is \(value), it must lie in 1 … \(limit)")
    }
    try require(kernel % 2 == 1, "kernel_size is \(kernel), it must be odd")
    try require(
      (1...stacks * dilations.count).contains(layerCount),
      "num_hidden_layers is \(layerCount), it must lie in 1 … \(stacks * dilations.count)")
    try require(
      blank >= 0 && blank < labelCount,
      "pad_token_id (\(blank)), the blank, lies outside vocab_size (\(labelCount))")
  }

  package func network(from source: ParameterSource) throws -> any AcousticNetwork {
    try WaveNet(self, from: source)
  }
}
