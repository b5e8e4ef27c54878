import TensorEngine

/// What tells where a frame lies, from its surroundings: frames with that added to them, [frames, hidden] to the
/// same, or to fewer, one utterance at a time.
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
    case .unheard: try UnheardPositions(name, self, from: source)
    }
  }
}

/// A wide grouped convolution; its weight is a direction and a length for each place of the kernel. It may take a
/// step of several frames, to which the mean of these is added: SEW's (Wu et al. 2021).
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
    let step = configuration.squeeze
    return { [self] x in
      let pooled = x.meanOfRows(each: step)
      return pooled.adding(
        x.convolvedInPlace(
          weight, bias: bias, step: step, groups: configuration.positionGroups,
          frames: pooled.rows, pass
        ).activated(configuration.extractorActivation, pass))
    }
  }
}

/// The same convolution where nothing reads it: checkpoints of Wav2Vec2-Conformer hold one.
final class UnheardPositions: FramePositions {
  private let held: WeightNormPositions

  init(_ name: String, _ configuration: Wav2Vec2Configuration, from source: ParameterSource) throws
  {
    held = try WeightNormPositions(name, configuration, from: source)
  }

  func ofBatch(_ pass: Pass) -> (Tensor) -> Tensor { { $0 } }
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
      x.adding(
        norm(x, Segments(frames: [x.rows]), pass)
          .convolvedInPlace(convolution, pass).activated(configuration.extractorActivation, pass))
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
      x.adding(
        convolutions.reduce(x) { x, convolution in
          x.convolvedInPlace(convolution, pass).layerNorm(gain: one, bias: zero)
            .activated(configuration.extractorActivation, pass)
        })
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
  /// A convolution along the rows about every row, or about every so many: [frames, in] to [frames, out].
  ///
  /// - Parameter frames: how many are kept; all of as many as there were when nil.
  fileprivate func convolvedInPlace(
    _ weight: Tensor, bias: Tensor?, step: Int = 1, groups: Int, frames: Int? = nil, _ pass: Pass
  ) -> Tensor {
    let y = reshaped([1, rows, columns]).convolution1D(
      weight, bias: bias, stride: step, padding: weight.columns / 2, groups: groups, pass)
    let made = y.reshaped([y.shape[1], y.shape[2]])
    let kept = frames ?? rows
    // An even kernel gives one frame too many.
    return made.rows == kept ? made : made.gatheringRows((0..<Int32(kept)).map { $0 })
  }

  fileprivate func convolvedInPlace(_ convolution: Convolution1D, _ pass: Pass) -> Tensor {
    convolvedInPlace(
      convolution.weight, bias: convolution.bias, groups: convolution.groups, pass)
  }

  /// The mean of each so many rows; the last that are fewer are left out.
  fileprivate func meanOfRows(each step: Int) -> Tensor {
    guard step > 1 else { return self }
    let parts = (0..<step).map { first in
      gatheringRows(Swift.stride(from: first, to: rows / step * step, by: step).map { Int32($0) })
    }
    return parts.dropFirst().reduce(parts[0]) { $0.adding($1) }.scaled(by: 1 / Float(step))
  }
}
