import AcousticFeatures
import TensorEngine

/// Striding convolutions that halve frames and mels at each step, then a projection.
///
/// Rekesh et al. 2023 (FastConformer). [batch, frames, mels] to packed [output rows, hidden].
final class Subsampling: FrameSubsampling {
  /// The first convolution, from one channel.
  private let first: Convolution2D
  /// Depthwise, then mixing channels at each point.
  private let further: [(depthwise: Convolution2D, mix: Linear)]
  private let projection: Linear
  private let configuration: FastConformerConfiguration

  init(_ name: String, _ configuration: FastConformerConfiguration, from source: ParameterSource)
    throws
  {
    self.configuration = configuration
    let channels = configuration.subsamplingChannels
    func convolution(_ position: Int, inputs: Int, groups: Int) throws -> Convolution2D {
      try Convolution2D(
        "\(name).layers.\(position)", inputs: inputs, outputs: channels, kernel: (3, 3),
        .init(stride: (2, 2), padding: (1, 1), groups: groups), from: source)
    }
    first = try convolution(0, inputs: 1, groups: 1)
    // The positions in the list are the names in the checkpoint: activations count too.
    further = try (1..<configuration.subsamplingLayers).map { index in
      let position = 3 * index - 1
      return (
        try convolution(position, inputs: channels, groups: channels),
        try Linear(
          "\(name).layers.\(position + 1)", inputs: channels, outputs: channels,
          trailing: [1, 1], from: source)
      )
    }
    projection = try Linear(
      "\(name).linear", inputs: channels * configuration.subsampledBins,
      outputs: configuration.hiddenSize, from: source)
  }

  func callAsFunction(_ batch: FeatureBatch, _ pass: Pass) -> (rows: Tensor, segments: Segments) {
    let starts = batch.frames.indices.map { $0 * batch.values.shape[1] }
    var (x, halving) = begin(batch, starts, pass)
    for (index, step) in further.enumerated() {
      // The stem has done the first depthwise convolution.
      if index > 0 {
        halving = Halving(
          first: halving.outFirst.map { Int($0) }, frames: halving.outFrames.map { Int($0) },
          valid: halving.outValid.map { Int($0) }, steps: 1)
        x = x.halvingDepthwise(step.depthwise.weight, bias: step.depthwise.bias!, halving, pass)
      }
      x = step.mix(x, pass).rectified(halving)
    }
    let segments = Segments(
      frames: halving.outFrames.map { Int($0) }, valid: halving.outValid.map { Int($0) })
    return (project(x, pass), segments)
  }

  /// The first convolution, and the depthwise one after it where there is one.
  private func begin(_ batch: FeatureBatch, _ starts: [Int], _ pass: Pass) -> (Tensor, Halving) {
    let (count, frames, bins) = (
      batch.values.shape[0], batch.values.shape[1], batch.values.shape[2]
    )
    if let second = further.first {
      let halving = Halving(first: starts, frames: batch.frames, valid: batch.valid, steps: 2)
      let x = batch.values.view([count * frames, bins]).stem(
        first: (first.weight, first.bias!),
        depthwise: (second.depthwise.weight, second.depthwise.bias!), halving, pass)
      return (x, halving)
    }
    let halving = Halving(first: starts, frames: batch.frames, valid: batch.valid, steps: 1)
    let x = first(batch.values.view(batch.values.shape + [1]), pass)
    let rows = (0..<count).flatMap { index in
      (0..<halving.outFrames[index]).map { Int32(index * x.shape[1]) + $0 }
    }
    let packed = x.reshaped([count * x.shape[1], x.shape[2] * x.shape[3]]).gatheringRows(rows)
    return (
      packed.reshaped([rows.count, x.shape[2], x.shape[3]]).rectified(halving), halving
    )
  }

  /// [rows, bins, channels] to [rows, hidden]. The checkpoint has channels before bins: its weight is
  /// turned, not the rows.
  private func project(_ x: Tensor, _ pass: Pass) -> Tensor {
    let (rows, bins, channels) = (x.shape[0], x.shape[1], x.shape[2])
    let weight = projection.weight.reshaped([configuration.hiddenSize, channels, bins])
      .transposedLast().reshaped([configuration.hiddenSize, bins * channels])
    return x.reshaped([rows, bins * channels]).linear(
      weight, bias: projection.bias, result: .float32, pass)
  }
}
