import AcousticFeatures
import TensorEngine

/// What halves frames and mels before the layers: a batch to packed [output rows, hidden].
protocol FrameSubsampling {
  func callAsFunction(_ batch: FeatureBatch, _ pass: Pass) -> (rows: Tensor, segments: Segments)
}

/// Whole convolutions over frames and mels, each of which halves both: the older Conformer's.
///
/// Gulati et al. 2020; NeMo's `striding`. One utterance at a time.
final class PlainSubsampling: FrameSubsampling {
  private let convolutions: [Convolution2D]
  private let projection: Linear
  private let configuration: FastConformerConfiguration

  init(_ name: String, _ configuration: FastConformerConfiguration, from source: ParameterSource)
    throws
  {
    self.configuration = configuration
    let channels = configuration.subsamplingChannels
    // The positions in the list are the names in the checkpoint: activations count too.
    convolutions = try (0..<configuration.subsamplingLayers).map { index in
      try Convolution2D(
        "\(name).layers.\(2 * index)", inputs: index == 0 ? 1 : channels, outputs: channels,
        kernel: (3, 3), .init(stride: (2, 2), padding: (1, 1)), from: source)
    }
    projection = try Linear(
      "\(name).linear", inputs: channels * configuration.subsampledBins,
      outputs: configuration.hiddenSize, from: source)
  }

  func callAsFunction(_ batch: FeatureBatch, _ pass: Pass) -> (rows: Tensor, segments: Segments) {
    let (longest, bins) = (batch.values.shape[1], batch.values.shape[2])
    let parts = batch.valid.enumerated().map { index, valid -> Tensor in
      guard valid > 0 else {
        return Tensor(repeating: 0, shape: [0, configuration.hiddenSize])
      }
      let own = Tensor(uninitialised: [1, valid, bins, 1])
      own.pointer.update(from: batch.values.pointer + index * longest * bins, count: valid * bins)
      let x = convolutions.reduce(own) { $1($0, pass).activated(.relu, pass) }
      // The checkpoint's weight has channels before bins.
      let (frames, places, channels) = (x.shape[1], x.shape[2], x.shape[3])
      let turned = x.reshaped([frames, places, channels]).transposedLast()
      return projection(turned.reshaped([frames, channels * places]), result: .float32, pass)
    }
    return (Tensor.stacked(parts), Segments(frames: parts.map(\.rows)))
  }
}
