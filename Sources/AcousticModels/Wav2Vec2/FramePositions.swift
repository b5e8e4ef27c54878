import TensorEngine

/// What tells where a frame lies, from its surroundings: [frames, hidden] to the same, one utterance at a time.
protocol FramePositions {
  /// For the utterances of one batch.
  func ofBatch(_ pass: Pass) -> (Tensor) -> Tensor
}

extension Wav2Vec2Configuration {
  func framePositions(
    _ name: String, from source: ParameterSource
  ) throws -> any FramePositions {
    switch positions {
    case .weightNorm: try WeightNormPositions(name, self, from: source)
    case .batchNorm: try BatchNormPositions(name, self, from: source)
    case .stack(let count): try StackedPositions(name, layers: count, self, from: source)
    }
  }
}

/// A wide grouped convolution; its weight is a direction and a length for each place of the kernel.
///
/// Baevski et al. 2020 (wav2vec 2.0).
final class WeightNormPositions: FramePositions {
  private let lengths, directions, bias: Tensor
  private let configuration: Wav2Vec2Configuration

  init(_ name: String, _ configuration: Wav2Vec2Configuration, from source: ParameterSource) throws
  {
    self.configuration = configuration
    let (size, kernel) = (configuration.hiddenSize, configuration.positionKernel)
    // As PyTorch names the parts of a parametrised weight.
    let parts = "\(name).conv.parametrizations.weight"
    lengths = try source.parameter("\(parts).original0", [1, 1, kernel], .weight, .constant(1))
    directions = try source.parameter(
      "\(parts).original1", [size, size / configuration.positionGroups, kernel], .weight,
      .normal(deviation: 2 / Float(kernel * size).squareRoot()))
    bias = try source.parameter("\(name).conv.bias", [size], .bias, .constant(0))
  }

  func ofBatch(_ pass: Pass) -> (Tensor) -> Tensor {
    let weight = directions.columnsOfLength(lengths)
    return { [self] in
      $0.convolvedInPlace(weight, bias: bias, groups: configuration.positionGroups, pass)
        .activated(configuration.extractorActivation, pass)
    }
  }
}

/// The same convolution with a plain weight, of channels normalised by what training saw: some of HuBERT's.
final class BatchNormPositions: FramePositions {
  private let norm: BatchNorm
  private let convolution: Convolution1D
  private let configuration: Wav2Vec2Configuration

  init(_ name: String, _ configuration: Wav2Vec2Configuration, from source: ParameterSource) throws
  {
    self.configuration = configuration
    convolution = try Convolution1D(positions: "\(name).conv", configuration, from: source)
    norm = try BatchNorm("\(name).batch_norm", size: configuration.hiddenSize, from: source)
  }

  func ofBatch(_ pass: Pass) -> (Tensor) -> Tensor {
    { [self] x in
      norm(x, Segments(frames: [x.rows]), pass)
        .convolvedInPlace(
          convolution.weight, bias: convolution.bias, groups: convolution.groups, pass
        ).activated(configuration.extractorActivation, pass)
    }
  }
}

/// Several narrower convolutions, each frame normalised after each: data2vec's.
final class StackedPositions: FramePositions {
  private let convolutions: [Convolution1D]
  private let configuration: Wav2Vec2Configuration
  private let one, zero: Tensor

  init(
    _ name: String, layers: Int, _ configuration: Wav2Vec2Configuration,
    from source: ParameterSource
  ) throws {
    self.configuration = configuration
    convolutions = try (0..<layers).map {
      try Convolution1D(positions: "\(name).layers.\($0).conv", configuration, from: source)
    }
    one = Tensor(repeating: 1, shape: [configuration.hiddenSize])
    zero = Tensor(repeating: 0, shape: [configuration.hiddenSize])
  }

  func ofBatch(_ pass: Pass) -> (Tensor) -> Tensor {
    { [self] x in
      convolutions.reduce(x) { x, convolution in
        x.convolvedInPlace(
          convolution.weight, bias: convolution.bias, groups: convolution.groups, pass
        ).layerNorm(gain: one, bias: zero).activated(configuration.extractorActivation, pass)
      }
    }
  }
}

extension Convolution1D {
  fileprivate convenience init(
    positions name: String, _ configuration: Wav2Vec2Configuration, from source: ParameterSource
  ) throws {
    try self.init(
      name, inputs: configuration.hiddenSize, outputs: configuration.hiddenSize,
      kernel: configuration.positionKernel, groups: configuration.positionGroups, from: source)
  }
}

extension Tensor {
  /// A convolution along the rows that leaves as many: [frames, in] to [frames, out].
  fileprivate func convolvedInPlace(
    _ weight: Tensor, bias: Tensor?, groups: Int, _ pass: Pass
  ) -> Tensor {
    let y = reshaped([1, rows, columns]).convolution1D(
      weight, bias: bias, padding: weight.columns / 2, groups: groups, pass)
    let made = y.reshaped([y.shape[1], y.shape[2]])
    // An even kernel gives one frame too many.
    return made.rows == rows ? made : made.gatheringRows((0..<Int32(rows)).map { $0 })
  }
}
