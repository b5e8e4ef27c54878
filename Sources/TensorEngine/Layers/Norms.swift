import CKernels

/// Normalises each row: Ba, Kiros and Hinton 2016.
public final class LayerNorm {
  public let gain: Tensor
  public let bias: Tensor
  public let epsilon: Float

  public init(_ name: String, size: Int, epsilon: Float = 1e-5, from source: ParameterSource) throws
  {
    gain = try source.parameter("\(name).weight", [size], .normalisation, .constant(1))
    bias = try source.parameter("\(name).bias", [size], .normalisation, .constant(0))
    self.epsilon = epsilon
  }

  /// - Parameter result: what the result is held in: the pass's precision where a product reads it.
  public func callAsFunction(_ x: Tensor, result: Precision = .float32) -> Tensor {
    x.layerNorm(gain: gain, bias: bias, epsilon: epsilon, result: result)
  }
}

/// Normalises each channel by running statistics, or by the batch's own: Ioffe and Szegedy 2015.
public final class BatchNorm {
  public let gain: Tensor
  public let bias: Tensor
  public let runningMean: Tensor
  public let runningVariance: Tensor
  /// How many batches the statistics have seen. A float32: it stays at 2²⁴, some 16.8 million, and nothing
  /// is computed from it.
  public let batches: Tensor
  public let epsilon: Float
  public let momentum: Float
  /// Whether training uses, and updates from, the batch's statistics. Frozen in adaptation.
  public var usesLiveStatistics = false

  public init(
    _ name: String, size: Int, epsilon: Float = 1e-5, momentum: Float = 0.1,
    from source: ParameterSource
  ) throws {
    gain = try source.parameter("\(name).weight", [size], .normalisation, .constant(1))
    bias = try source.parameter("\(name).bias", [size], .normalisation, .constant(0))
    runningMean = try source.parameter("\(name).running_mean", [size], .statistic, .constant(0))
    runningVariance = try source.parameter("\(name).running_var", [size], .statistic, .constant(1))
    batches = try source.parameter("\(name).num_batches_tracked", [], .statistic, .constant(0))
    self.epsilon = epsilon
    self.momentum = momentum
  }

  /// [rows, channels]; live statistics count the rows that are valid.
  public func callAsFunction(_ x: Tensor, _ segments: Segments, _ pass: Pass) -> Tensor {
    guard pass.training, usesLiveStatistics else {
      return x.batchNorm(
        gain: gain, bias: bias, mean: runningMean, variance: runningVariance, epsilon: epsilon)
    }
    let (result, mean, variance, rows) = x.batchNormLive(
      gain: gain, bias: bias, epsilon: epsilon, use: segments.use)
    // One row has no variance to learn from, and none has no mean either.
    guard rows > 1, !pass.isRepeat else { return result }
    // The running variance is unbiased, the one that normalises is not: PyTorch's convention.
    let unbiased = Float(rows) / Float(rows - 1)
    for channel in 0..<mean.count {
      runningMean.pointer[channel] +=
        momentum * (mean.pointer[channel] - runningMean.pointer[channel])
      runningVariance.pointer[channel] +=
        momentum * (variance.pointer[channel] * unbiased - runningVariance.pointer[channel])
    }
    batches.pointer[0] += 1
    return result
  }
}
