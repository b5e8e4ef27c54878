import AcousticFeatures
import TensorEngine

/// Striding convolutions that halve frames and mels at each step, then a projection.
///
/// Rekesh et al. 2023 (FastConformer). [batch, frames, mels] to packed [output rows, hidden].
final class Subsampling {
  private enum Step {
    /// Halves frames and mels.
    case strided(Convolution2D)
    /// Mixes channels at each point.
    case pointwise(Linear)
    case rectify
  }

  private let steps: [Step]
  private let projection: Linear
  private let configuration: FastConformerConfiguration

  init(_ name: String, _ configuration: FastConformerConfiguration, from source: ParameterSource)
    throws
  {
    self.configuration = configuration
    let channels = configuration.subsamplingChannels
    var steps: [Step] = []
    // The positions in the list are the names in the checkpoint: activations count too.
    for index in 0..<configuration.subsamplingLayers {
      steps.append(
        .strided(
          try Convolution2D(
            "\(name).layers.\(steps.count)", inputs: index == 0 ? 1 : channels, outputs: channels,
            kernel: (3, 3),
            .init(stride: (2, 2), padding: (1, 1), groups: index == 0 ? 1 : channels),
            from: source)))
      if index > 0 {
        steps.append(
          .pointwise(
            try Linear(
              "\(name).layers.\(steps.count)", inputs: channels, outputs: channels,
              trailing: [1, 1], from: source)))
      }
      steps.append(.rectify)
    }
    self.steps = steps
    projection = try Linear(
      "\(name).linear", inputs: channels * configuration.subsampledBins,
      outputs: configuration.hiddenSize, from: source)
  }

  func callAsFunction(_ batch: FeatureBatch, _ pass: Pass) -> (rows: Tensor, segments: Segments) {
    var x = batch.values.view(batch.values.shape + [1])
    var valid = batch.valid
    var total = batch.frames
    for step in steps {
      switch step {
      case .strided(let convolution):
        x = convolution(x)
        valid = valid.map(FastConformerConfiguration.halved)
        total = total.map(FastConformerConfiguration.halved)
        x = x.zeroingInvalidFrames(valid)
      case .pointwise(let linear):
        x = linear(x, result: .float32, pass).zeroingInvalidFrames(valid)
      case .rectify:
        x = x.activated(.relu)
      }
    }
    // Channels last here, channels first in the checkpoint: reorder before the projection.
    let (frames, bins, channels) = (x.shape[1], x.shape[2], x.shape[3])
    let packed = x.reshaped([x.shape[0] * frames, bins, channels])
      .keepingRows(
        of: total, stride: frames
      )
      .transposedLast()
    let segments = Segments(frames: total, valid: valid)
    return (
      projection(
        packed.reshaped([segments.rows, channels * bins]), result: .float32, pass), segments
    )
  }
}

extension Tensor {
  /// The first `counts[b]` of every `stride` rows, one after another: padding left behind.
  fileprivate func keepingRows(of counts: [Int], stride: Int) -> Tensor {
    if counts.allSatisfy({ $0 == stride }) { return self }
    var indices: [Int32] = []
    for (batch, count) in counts.enumerated() {
      for row in 0..<count { indices.append(Int32(batch * stride + row)) }
    }
    let width = shape.dropFirst().reduce(1, *)
    return reshaped([shape[0], width]).gatheringRows(indices)
      .reshaped([indices.count] + shape.dropFirst())
  }
}
