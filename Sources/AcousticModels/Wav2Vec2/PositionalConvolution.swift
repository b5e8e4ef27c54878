import TensorEngine

/// Where a frame lies, told by a wide grouped convolution over its surroundings: [frames, hidden] to the same, one
/// utterance at a time.
///
/// Baevski et al. 2020; the weight is kept as a direction and a length for each place of the kernel.
final class PositionalConvolution {
  private let lengths, directions, bias: Tensor
  private let kernel, groups: Int
  private let activation: Activation

  init(_ name: String, _ configuration: Wav2Vec2Configuration, from source: ParameterSource) throws
  {
    (kernel, groups) = (configuration.positionKernel, configuration.positionGroups)
    activation = configuration.extractorActivation
    let size = configuration.hiddenSize
    // As PyTorch names the parts of a parametrised weight.
    let parts = "\(name).conv.parametrizations.weight"
    lengths = try source.parameter("\(parts).original0", [1, 1, kernel], .weight, .constant(1))
    directions = try source.parameter(
      "\(parts).original1", [size, size / groups, kernel], .weight,
      .normal(deviation: 2 / Float(kernel * size).squareRoot()))
    bias = try source.parameter("\(name).conv.bias", [size], .bias, .constant(0))
  }

  /// The weight that all utterances of a batch are convolved by.
  func weight() -> Tensor { directions.columnsOfLength(lengths) }

  func callAsFunction(_ x: Tensor, weight: Tensor, _ pass: Pass) -> Tensor {
    let (frames, size) = (x.rows, x.columns)
    let y = x.reshaped([1, frames, size]).convolution1D(
      weight, bias: bias, padding: kernel / 2, groups: groups, pass)
    // An even kernel gives one frame too many.
    let rows = y.reshaped([y.shape[1], size])
    let kept = y.shape[1] == frames ? rows : rows.gatheringRows((0..<Int32(frames)).map { $0 })
    return kept.activated(activation, pass)
  }
}
