import CKernels

/// Strides, padding and dilation of a convolution, as (height, width).
public struct ConvolutionShape: Sendable {
  public var stride: (Int, Int)
  public var padding: (Int, Int)
  public var dilation: (Int, Int)
  public var groups: Int

  public init(
    stride: (Int, Int) = (1, 1), padding: (Int, Int) = (0, 0), dilation: (Int, Int) = (1, 1),
    groups: Int = 1
  ) {
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }
}

extension Tensor {
  /// A two-dimensional convolution, channels last: [batch, height, width, in] to
  /// [batch, outHeight, outWidth, out], held in the pass's precision.
  ///
  /// - Parameters:
  ///   - weight: [out, in / groups, kernelHeight, kernelWidth].
  ///   - bias: [out].
  public func convolution2D(
    _ weight: Tensor, bias: Tensor?, _ options: ConvolutionShape = .init(), _ pass: Pass
  ) -> Tensor {
    precondition(
      shape.count == 4 && weight.shape.count == 4 && shape[3] == weight.shape[1] * options.groups,
      "a convolution by \(weight.shape) in \(options.groups) groups cannot read \(shape)")
    precondition(
      weight.shape[0] % options.groups == 0 && bias.map { $0.count == weight.shape[0] } ?? true,
      "\(options.groups) groups and a bias of \(bias?.shape ?? []) for a weight of \(weight.shape)")
    let precision = pass.precision
    var kernel = ck_conv_shape(
      type: precision.type, batch: Int64(shape[0]), height: Int64(shape[1]), width: Int64(shape[2]),
      in: Int64(shape[3]), out: Int64(weight.shape[0]), groups: Int64(options.groups),
      kernel_height: Int64(weight.shape[2]), kernel_width: Int64(weight.shape[3]),
      stride_height: Int64(options.stride.0), stride_width: Int64(options.stride.1),
      pad_height: Int64(options.padding.0), pad_width: Int64(options.padding.1),
      dilation_height: Int64(options.dilation.0), dilation_width: Int64(options.dilation.1))
    let height = Int(ck_conv_out_height(&kernel))
    let width = Int(ck_conv_out_width(&kernel))
    precondition(
      height > 0 && width > 0, "a convolution by \(weight.shape) leaves nothing of \(shape)")
    let result = Tensor(uninitialised: [shape[0], height, width, weight.shape[0]], precision)
    let input = kept(precision)
    check(
      ck_conv_forward(
        &kernel, input.held.pointer, weight.pointer, bias?.pointer, result.held.pointer))
    let kept = weight.requiresGradient || bias?.requiresGradient == true ? input : nil
    let parents = [self, weight] + (bias.map { [$0] } ?? [])
    return result.from("convolution", parents) { [slot] gradient in
      let gradient = gradient.kept(precision)
      if let kept {
        let dweight = Tensor(uninitialised: weight.shape)
        let dbias = bias.map { Tensor(uninitialised: $0.shape) }
        check(
          ck_conv_backward_weight(
            &kernel, kept.held.pointer, gradient.held.pointer, dweight.pointer, dbias?.pointer))
        weight.accumulate(dweight)
        if let dbias { bias?.accumulate(dbias) }
      }
      if slot.isRequired {
        let share = Tensor(uninitialised: slot.shape, precision)
        check(
          ck_conv_backward_data(
            &kernel, gradient.held.pointer, weight.pointer, share.held.pointer))
        slot.accumulate(share)
      }
    }
  }

  /// A one-dimensional convolution, channels last: [batch, frames, in] to [batch, outFrames, out].
  ///
  /// - Parameters:
  ///   - weight: [out, in / groups, kernel].
  ///   - bias: [out].
  public func convolution1D(
    _ weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
    groups: Int = 1, _ pass: Pass
  ) -> Tensor {
    precondition(
      shape.count == 3 && weight.shape.count == 3,
      "a one-dimensional convolution by \(weight.shape) cannot read \(shape)")
    // Height 1: oneDNN's fast kernels for grouped convolutions are the two-dimensional ones.
    let options = ConvolutionShape(
      stride: (1, stride), padding: (0, padding), dilation: (1, dilation), groups: groups)
    let result = reshaped([shape[0], 1, shape[1], shape[2]]).convolution2D(
      weight.reshaped([weight.shape[0], weight.shape[1], 1, weight.shape[2]]), bias: bias, options,
      pass)
    return result.reshaped([shape[0], result.shape[2], result.shape[3]])
  }

  /// A depthwise convolution along the frames of packed utterances, same length out.
  ///
  /// [rows, channels] to [rows, channels]; frames that are not valid read as 0.
  ///
  /// - Parameters:
  ///   - weight: [channels, 1, kernel], kernel odd.
  ///   - bias: [channels].
  ///   - isCausal: whether the kernel ends at a frame, instead of lying about it.
  public func depthwiseConvolution(
    _ weight: Tensor, bias: Tensor?, isCausal: Bool = false, _ segments: Segments
  ) -> Tensor {
    let (channels, kernel) = (columns, weight.columns)
    let before = isCausal ? kernel - 1 : kernel / 2
    precondition(
      weight.count == channels * kernel && rows == segments.rows && kernel % 2 == 1
        && bias.map { $0.count == channels } ?? true,
      "a depthwise convolution by \(weight.shape) over \(segments.rows) rows cannot read \(shape)")
    let result = Tensor(uninitialised: shape)
    segments.withKernel {
      ck_depthwise_forward(
        pointer, weight.pointer, bias?.pointer, result.pointer, $0, channels, kernel, before)
    }
    let kept = weight.requiresGradient ? self : nil
    let parents = [self, weight] + (bias.map { [$0] } ?? [])
    return result.from("depthwise convolution", parents) { [slot] gradient in
      if let kept {
        let dweight = Tensor(uninitialised: weight.shape)
        segments.withKernel {
          ck_depthwise_backward_weight(
            kept.pointer, gradient.pointer, dweight.pointer, $0, channels, kernel, before)
        }
        weight.accumulate(dweight)
      }
      bias?.accumulate { memory, adding in
        ck_column_sum(gradient.pointer, CK_FLOAT32, memory, segments.rows, channels, adding)
      }
      if slot.isRequired {
        let share = Tensor(uninitialised: slot.shape)
        segments.withKernel {
          ck_depthwise_backward_data(
            gradient.pointer, weight.pointer, share.pointer, $0, channels, kernel, before)
        }
        slot.accumulate(share)
      }
    }
  }

  /// The same with frames from `valid[b]` on set to 0: [batch, frames, …].
  public func zeroingInvalidFrames(_ valid: [Int]) -> Tensor {
    let (batch, frames) = (shape[0], shape[1])
    precondition(
      valid.count == batch && valid.allSatisfy { $0 >= 0 }, "\(valid) valid frames for \(shape)")
    if valid.allSatisfy({ $0 >= frames }) { return self }
    let limits = valid.map { Int32($0) }
    let result = copy()
    ck_zero_invalid_frames(result.pointer, limits, batch, frames, count / (batch * frames))
    return result.from("mask", [self]) { [slot] gradient in
      let share = gradient.copy()
      ck_zero_invalid_frames(share.pointer, limits, batch, frames, share.count / (batch * frames))
      slot.accumulate(share)
    }
  }
}

private func check(_ done: Bool) {
  precondition(done, String(cString: ck_last_error()))
}
