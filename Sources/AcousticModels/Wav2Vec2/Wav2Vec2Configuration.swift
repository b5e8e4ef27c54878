import Basics
package import TensorEngine

/// The sizes of a `Wav2Vec2ForCTC` or of its kin, as its `config.json` states them.
package struct Wav2Vec2Configuration: EncoderConfiguration {
  /// Networks that differ from wav2vec 2.0 in how they were pretrained, and in little else.
  package enum Kind: String, Sendable, CaseIterable {
    case wav2vec2, hubert, unispeech, wavlm, sew
    case unispeechSat = "unispeech-sat"
    case data2vec = "data2vec-audio"
    case conformer = "wav2vec2-conformer"

    /// What the names of parameters begin with.
    var prefix: String { rawValue.replacing("-", with: "_") }

    var architecture: String {
      switch self {
      case .wav2vec2: "Wav2Vec2ForCTC"
      case .hubert: "HubertForCTC"
      case .unispeech: "UniSpeechForCTC"
      case .unispeechSat: "UniSpeechSatForCTC"
      case .data2vec: "Data2VecAudioForCTC"
      case .wavlm: "WavLMForCTC"
      case .sew: "SEWForCTC"
      case .conformer: "Wav2Vec2ConformerForCTC"
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
    /// As `weightNorm`, but nothing reads it.
    case unheard
  }

  /// What only Wav2Vec2-Conformer has.
  struct Conformer: Sendable, Equatable {
    var positions = AttentionPositions.relative
    /// Of rotary positions.
    var rotaryBase = 10_000
    var kernel = 31
    var dropout: Float = 0.1
  }

  package enum ExtractorNorm: String, Sendable {
    /// Each channel of the first convolution over time.
    case group
    /// Every frame of every convolution over channels.
    case layer
  }

  package var encoder = EncoderSettings(
    size: 768, layers: 12, heads: 12, intermediate: 3072, dropout: 0.1)
  package var kind = Kind.wav2vec2
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
  /// Frames of the convolutions to one that the layers work on, from which as many are made again: SEW's.
  package var squeeze = 1
  /// WavLM's biases of the distance: how many there are for either direction and farther than what all count alike.
  var distances = DistanceBuckets(count: 320, farthest: 800)
  /// Where the layers are Conformer blocks.
  var conformer: Conformer?

  package var family: String { "Wav2Vec2 (\(kind.architecture))" }

  package var summary: String {
    "\(layerCount) \(conformer == nil ? "layers" : "Conformer blocks") of \(encoder.hiddenSize), \(encoder.headCount) attention heads, feed-forward \(encoder.intermediateSize), normalised \(isStable ? "before" : "after") each part; \(convolutionChannels.count) convolutions over samples, \(extractorNorm.rawValue) norm"
  }

  package var inputBins: Int { 1 }
  private var convolutionStride: Int { convolutionStrides.reduce(1, *) }
  package var layerSubsamplingFactor: Int { convolutionStride * squeeze }
  package var subsamplingFactor: Int { convolutionStride * (encoder.shrinking?.factor ?? 1) }

  /// Frames that the layers work on, for so many samples.
  func layerFrames(_ samples: Int) -> Int {
    zip(convolutionKernels, convolutionStrides).reduce(samples) { length, convolution in
      length < convolution.0 ? 0 : (length - convolution.0) / convolution.1 + 1
    } / squeeze
  }

  package func outputFrames(_ frames: Int) -> Int {
    encoder.shrunk(layerFrames(frames) * squeeze)
  }

  private var positionLayers: Int { if case .stack(let count) = positions { count } else { 1 } }
  private var isStacked: Bool { if case .stack = positions { true } else { false } }

  package init() {}

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
    try encoder.validate(
      sizes: [
        ("num_conv_pos_embeddings", positionLayers),
        (isStacked ? "conv_pos_kernel_size" : "num_conv_pos_embeddings", positionKernel),
        ("num_conv_pos_embedding_groups", positionGroups), ("squeeze_factor", squeeze),
        ("num_buckets", distances.count), ("max_bucket_distance", distances.farthest),
        ("conv_depthwise_kernel_size", conformer?.kernel ?? 1),
        ("rotary_embedding_base", conformer?.rotaryBase ?? 1),
      ] + convolutionChannels.map { ("conv_dim", $0) }
        + convolutionStrides.map { ("conv_stride", $0) }
        + convolutionKernels.map { ("conv_kernel", $0) },
      rates: [("conformer_conv_dropout", conformer?.dropout ?? 0)], require)
    let (hiddenSize, headCount) = (encoder.hiddenSize, encoder.headCount)
    try require(
      hiddenSize % positionGroups == 0,
      "num_conv_pos_embedding_groups (\(positionGroups)) does not divide hidden_size (\(hiddenSize))"
    )
    try require(
      (conformer?.kernel ?? 1) % 2 == 1,
      "conv_depthwise_kernel_size (\(conformer?.kernel ?? 1)) must be odd")
    try require(
      conformer == nil || hiddenSize / headCount % 2 == 0,
      "num_attention_heads (\(headCount)) leaves heads of an odd size")
    try require(
      distances.count % 4 == 0 && distances.farthest > distances.count / 4,
      "num_buckets (\(distances.count)) must be a multiple of 4, max_bucket_distance (\(distances.farthest)) more than a quarter of it"
    )
    try require(
      convolutionStrides.reduce(Double(squeeze)) { $0 * Double($1) } <= 1e6,
      "the strides of conv_stride make a frame of more than a million samples")
    // Adapters lie where a layer's output is not normalised.
    try require(
      adapterWidth == nil || isStable, "adapter_attn_dim without do_stable_layer_norm")
  }

  var sharedPositions: SharedPositions.Settings {
    switch conformer?.positions {
    case .relative: .relative
    case .rotary: .rotary(base: conformer?.rotaryBase ?? 10_000)
    default: kind == .wavlm ? .gated(distances) : .none
    }
  }

  /// Of each layer, where they are Conformer blocks.
  var block: ConformerShape? {
    guard let conformer else { return nil }
    var shape = ConformerShape(encoder, kernel: conformer.kernel, dropout: conformer.dropout)
    (shape.activation, shape.positions) = (activation, conformer.positions)
    shape.names = .wav2vec2(depthwiseNorm: "batch_norm")
    return shape
  }

  package func network(from source: ParameterSource) throws -> any AcousticNetwork {
    try Wav2Vec2(self, from: source)
  }
}
