/// A two-dimensional convolution, channels last; grouped and depthwise too.
public final class Convolution2D {
  /// [out, in / groups, kernel, kernel]
  public let weight: Tensor
  public let bias: Tensor?
  public let options: ConvolutionShape

  public init(
    _ name: String, inputs: Int, outputs: Int, kernel: (Int, Int), bias: Bool = true,
    _ options: ConvolutionShape = .init(), from source: ParameterSource
  ) throws {
    let fanIn = inputs / options.groups * kernel.0 * kernel.1
    weight = try source.parameter(
      "\(name).weight", [outputs, inputs / options.groups, kernel.0, kernel.1], .weight,
      .scaled(inputs: fanIn))
    self.bias =
      bias ? try source.parameter("\(name).bias", [outputs], .bias, .scaled(inputs: fanIn)) : nil
    self.options = options
  }

  /// [batch, height, width, in] to [batch, outHeight, outWidth, out]
  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    x.convolution2D(weight, bias: bias, options, pass)
  }
}

/// A one-dimensional convolution over padded batches, channels last.
public final class Convolution1D {
  /// [out, in / groups, kernel]
  public let weight: Tensor
  public let bias: Tensor?
  public let stride, padding, dilation, groups: Int

  public init(
    _ name: String, inputs: Int, outputs: Int, kernel: Int, bias: Bool = true, stride: Int = 1,
    padding: Int = 0, dilation: Int = 1, groups: Int = 1, from source: ParameterSource
  ) throws {
    let fanIn = inputs / groups * kernel
    weight = try source.parameter(
      "\(name).weight", [outputs, inputs / groups, kernel], .weight, .scaled(inputs: fanIn))
    self.bias =
      bias ? try source.parameter("\(name).bias", [outputs], .bias, .scaled(inputs: fanIn)) : nil
    (self.stride, self.padding, self.dilation, self.groups) = (stride, padding, dilation, groups)
  }

  /// [batch, frames, in] to [batch, outFrames, out]
  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    x.convolution1D(
      weight, bias: bias, stride: stride, padding: padding, dilation: dilation, groups: groups, pass
    )
  }
}

/// A depthwise convolution along packed utterances, same length out.
public final class DepthwiseConvolution {
  /// [channels, 1, kernel]
  public let weight: Tensor
  public let bias: Tensor?
  /// Whether a frame hears only those before it.
  public let isCausal: Bool

  public init(
    _ name: String, channels: Int, kernel: Int, bias: Bool = true, isCausal: Bool = false,
    from source: ParameterSource
  ) throws {
    self.isCausal = isCausal
    weight = try source.parameter(
      "\(name).weight", [channels, 1, kernel], .weight, .scaled(inputs: kernel))
    self.bias =
      bias ? try source.parameter("\(name).bias", [channels], .bias, .scaled(inputs: kernel)) : nil
  }

  public func callAsFunction(_ x: Tensor, _ segments: Segments) -> Tensor {
    x.depthwiseConvolution(weight, bias: bias, isCausal: isCausal, segments)
  }
}
