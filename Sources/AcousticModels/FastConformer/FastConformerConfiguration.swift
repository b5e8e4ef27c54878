import Basics
package import TensorEngine

/// The sizes of a FastConformer-CTC, as `ParakeetForCTC`'s `config.json` states them, or of a Conformer-CTC.
public struct FastConformerConfiguration: Sendable, Hashable {
  public var hiddenSize = 1024
  public var layerCount = 24
  public var headCount = 8
  public var intermediateSize = 4096
  public var attentionBias = true
  public var convolutionBias = true
  /// Odd.
  public var convolutionKernel = 9
  /// Feature frames to an output frame: a power of two.
  public var subsamplingFactor = 8
  public var subsamplingChannels = 256
  /// Whether what subsamples are whole convolutions, as in NeMo's older Conformers, which transformers has no place
  /// for; else depthwise ones.
  public var hasPlainSubsampling = false
  public var melBins = 80
  public var scalesInput = true
  public var labelCount = 1025
  /// The index of the blank, `pad_token_id`.
  public var blank = 1024
  public var dropout: Float = 0.1
  public var activationDropout: Float = 0.1
  public var attentionDropout: Float = 0.1
  public var positionDropout: Float = 0
  /// The probability that training skips a layer.
  public var layerDrop: Float = 0.1
  /// Of the bottleneck adapters at the end of the encoder's layers, which only Idiolect has in this network;
  /// nil for none.
  public var adapterWidth: Int?

  public init() {}

  package var inputBins: Int { melBins }
  package func layerWidth(_ depth: Int) -> Int { hiddenSize }

  var subsamplingLayers: Int { subsamplingFactor.trailingZeroBitCount }

  /// Mels left after subsampling.
  var subsampledBins: Int {
    (0..<subsamplingLayers).reduce(melBins) { bins, _ in Self.halved(bins) }
  }

  /// Output frames for so many feature frames.
  public func outputFrames(_ frames: Int) -> Int {
    (0..<subsamplingLayers).reduce(frames) { frames, _ in Self.halved(frames) }
  }

  /// What a convolution of kernel 3, stride 2 and padding 1 leaves of a length.
  static func halved(_ length: Int) -> Int { (length + 1) / 2 }

  /// Parameters of the matrices alone, so a little less than all; as a number that no size overflows.
  package var matrixParameters: Double {
    let (size, wide, channels) = (
      Double(hiddenSize), Double(intermediateSize), Double(subsamplingChannels)
    )
    // Two feed-forwards; queries, keys, values, output and positions; two pointwise convolutions.
    let layer = 4 * size * wide + 5 * size * size + 3 * size * size
    let subsampling =
      Double(subsamplingLayers - 1) * channels * channels + channels * Double(subsampledBins) * size
    return Double(layerCount) * layer + subsampling + size * Double(labelCount)
  }

  /// - Throws: `.invalidModel` that names the setting.
  public func validate(file: String) throws {
    func require(_ holds: Bool, _ what: String) throws {
      if !holds { throw IdiolectError(.invalidModel, "\(file): \(what)") }
    }
    for (name, value) in [
      ("hidden_size", hiddenSize), ("num_hidden_layers", layerCount),
      ("num_attention_heads", headCount), ("intermediate_size", intermediateSize),
      ("conv_kernel_size", convolutionKernel), ("subsampling_conv_channels", subsamplingChannels),
      ("num_mel_bins", melBins), ("vocab_size", labelCount),
      ("adapter_attn_dim", adapterWidth ?? 1),
    ] {
      try require(
        value > 0 && value <= 1 << 20, "\(name) is \(value), it must lie in 1 … 1,048,576")
    }
    try require(
      hiddenSize % headCount == 0,
      "num_attention_heads (\(headCount)) does not divide hidden_size (\(hiddenSize))")
    try require(hiddenSize % 2 == 0, "hidden_size (\(hiddenSize)) must be even")
    try require(
      convolutionKernel % 2 == 1, "conv_kernel_size (\(convolutionKernel)) must be odd")
    try require(
      subsamplingFactor >= 2 && subsamplingFactor <= 64 && subsamplingFactor.nonzeroBitCount == 1,
      "subsampling_factor (\(subsamplingFactor)) must be a power of two, 2 … 64")
    try require(
      melBins % subsamplingFactor == 0,
      "subsampling_factor (\(subsamplingFactor)) does not divide num_mel_bins (\(melBins))")
    try require(
      blank >= 0 && blank < labelCount,
      "pad_token_id (\(blank)), the blank, lies outside vocab_size (\(labelCount))")
    for (name, rate) in [
      ("dropout", dropout), ("activation_dropout", activationDropout),
      ("attention_dropout", attentionDropout), ("dropout_positions", positionDropout),
      ("layerdrop", layerDrop),
    ] {
      try require(rate >= 0 && rate < 1, "\(name) is \(rate), it must lie in 0 ..< 1")
    }
  }
}

extension FastConformerConfiguration: NetworkConfiguration {
  package var family: String {
    hasPlainSubsampling
      ? "Conformer-CTC (ConformerEncoder)" : "FastConformer-CTC (ParakeetForCTC)"
  }

  package var summary: String {
    "\(layerCount) layers of \(hiddenSize), \(headCount) attention heads, feed-forward \(intermediateSize), convolution over \(convolutionKernel) frames"
  }

  var block: ConformerShape {
    var shape = ConformerShape(
      size: hiddenSize, headCount: headCount, intermediateSize: intermediateSize,
      kernel: convolutionKernel)
    (shape.hasBias, shape.convolutionHasBias) = (attentionBias, convolutionBias)
    shape.dropouts = .init(
      feedForward: dropout, attention: dropout, convolution: dropout,
      activation: activationDropout, weights: attentionDropout)
    shape.adapterWidth = adapterWidth
    return shape
  }

  package func network(from source: ParameterSource) throws -> any AcousticNetwork {
    try FastConformer(self, from: source)
  }
}
