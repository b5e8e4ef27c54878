import CKernels

/// How frames and bins halve, utterance by utterance: three by three, stride 2, padding 1.
package struct Halving {
  /// Rows of each utterance's first frame in the input, and its frames.
  package let inFirst, inFrames: [Int32]
  /// The output, packed.
  package let outFirst, outFrames, outValid: [Int32]
  /// Of the stem: the frames between its convolutions that count.
  package let middleValid: [Int32]

  package var rows: Int { outFrames.reduce(0) { $0 + Int($1) } }

  /// - Parameters:
  ///   - first: the row of each utterance's first frame in the input.
  ///   - frames: how many frames each has.
  ///   - valid: how many of them count.
  ///   - steps: how often they halve: 2 for the stem, 1 for one convolution.
  package init(first: [Int], frames: [Int], valid: [Int], steps: Int) {
    func halved(_ counts: [Int], _ steps: Int) -> [Int] {
      counts.map { count in (0..<steps).reduce(count) { count, _ in (count + 1) / 2 } }
    }
    let outputs = halved(frames, steps)
    var starts = [0]
    for count in outputs { starts.append(starts.last! + count) }
    inFirst = first.map { Int32($0) }
    inFrames = frames.map { Int32($0) }
    outFirst = starts.dropLast().map { Int32($0) }
    outFrames = outputs.map { Int32($0) }
    outValid = halved(valid, steps).map { Int32($0) }
    middleValid = halved(valid, 1).map { Int32($0) }
  }

  fileprivate func withKernel<Result>(
    bins: Int, channels: Int, _ body: (inout ck_subsampling) -> Result
  ) -> Result {
    inFirst.withUnsafeBufferPointer { inFirst in
      inFrames.withUnsafeBufferPointer { inFrames in
        outFirst.withUnsafeBufferPointer { outFirst in
          outFrames.withUnsafeBufferPointer { outFrames in
            outValid.withUnsafeBufferPointer { outValid in
              middleValid.withUnsafeBufferPointer { middleValid in
                var kernel = ck_subsampling(
                  count: inFirst.count, bins: bins, channels: channels,
                  in_first: inFirst.baseAddress, in_frames: inFrames.baseAddress,
                  out_first: outFirst.baseAddress, out_frames: outFrames.baseAddress,
                  out_valid: outValid.baseAddress, middle_valid: middleValid.baseAddress)
                return body(&kernel)
              }
            }
          }
        }
      }
    }
  }
}

extension Tensor {
  /// A convolution from one channel, ReLU, and a depthwise convolution: [input rows, bins] to
  /// [output rows, bins / 4, channels], rounded up, in the pass's precision. The input takes no gradient.
  ///
  /// - Parameters:
  ///   - first: weight [channels, 1, 3, 3] and bias [channels].
  ///   - depthwise: weight [channels, 1, 3, 3] and bias [channels].
  package func stem(
    first: (weight: Tensor, bias: Tensor), depthwise: (weight: Tensor, bias: Tensor),
    _ halving: Halving, _ pass: Pass
  ) -> Tensor {
    precondition(!requiresGradient, "the stem's input takes no gradient")
    let (bins, channels) = (columns, first.bias.count)
    precondition(
      first.weight.count == channels * 9 && depthwise.weight.count == channels * 9
        && depthwise.bias.count == channels,
      "a stem of \(first.weight.shape) and \(depthwise.weight.shape) for \(channels) channels")
    let result = Tensor(
      uninitialised: [halving.rows, ((bins + 1) / 2 + 1) / 2, channels], pass.precision)
    halving.withKernel(bins: bins, channels: channels) {
      ck_stem_forward(
        &$0, pointer, first.weight.pointer, first.bias.pointer, depthwise.weight.pointer,
        depthwise.bias.pointer, result.held.pointer, result.held.type)
    }
    let parameters = [first.weight, first.bias, depthwise.weight, depthwise.bias]
    return result.from("stem", parameters) { gradient in
      let shares = parameters.map { Tensor(uninitialised: $0.shape) }
      halving.withKernel(bins: bins, channels: channels) {
        let work = Tensor(uninitialised: [ck_stem_shares(&$0)])
        ck_stem_backward(
          &$0, self.pointer, first.weight.pointer, first.bias.pointer, depthwise.weight.pointer,
          gradient.held.pointer, gradient.held.type, work.pointer, shares[0].pointer,
          shares[1].pointer, shares[2].pointer, shares[3].pointer)
      }
      for (parameter, share) in zip(parameters, shares) { parameter.accumulate(share) }
    }
  }

  /// A depthwise convolution that halves frames and bins: [input rows, bins, channels] to
  /// [output rows, bins / 2, channels], rounded up, in the pass's precision.
  ///
  /// - Parameters:
  ///   - weight: [channels, 1, 3, 3].
  ///   - bias: [channels].
  package func halvingDepthwise(
    _ weight: Tensor, bias: Tensor, _ halving: Halving, _ pass: Pass
  ) -> Tensor {
    let (bins, channels) = (shape[1], columns)
    precondition(
      shape.count == 3 && weight.count == channels * 9 && bias.count == channels,
      "a depthwise convolution by \(weight.shape) cannot read \(shape)")
    let result = Tensor(
      uninitialised: [halving.rows, (bins + 1) / 2, channels], pass.precision)
    halving.withKernel(bins: bins, channels: channels) {
      ck_strided_depthwise_forward(
        &$0, held.pointer, held.type, weight.pointer, bias.pointer, result.held.pointer,
        result.held.type)
    }
    return result.from("strided depthwise", [self, weight, bias]) { gradient in
      let dweight = Tensor(uninitialised: weight.shape)
      let dbias = Tensor(uninitialised: bias.shape)
      let share =
        self.requiresGradient ? Tensor(uninitialised: self.shape, self.slot.precision) : nil
      halving.withKernel(bins: bins, channels: channels) {
        let work = Tensor(uninitialised: [ck_strided_depthwise_shares(&$0)])
        ck_strided_depthwise_backward(
          &$0, self.held.pointer, self.held.type, weight.pointer, gradient.held.pointer,
          gradient.held.type, work.pointer, share?.held.pointer,
          share?.held.type ?? CK_FLOAT32, dweight.pointer, dbias.pointer)
      }
      weight.accumulate(dweight)
      bias.accumulate(dbias)
      if let share { self.accumulate(share) }
    }
  }

  /// ReLU of packed frames, and 0 in those that do not count: [rows, …], in the precision it is held in.
  package func rectified(_ halving: Halving) -> Tensor {
    let result = Tensor(uninitialised: shape, precision)
    ck_activation_forward(
      CK_RELU, held.pointer, held.type, 0, 0, result.held.pointer, result.held.type, count)
    result.clearInvalid(halving)
    // A value that counts is positive after as before, so the result stands for what came in.
    return result.from("rectify", [self]) { [slot, result = result.kept(precision)] gradient in
      let share = Tensor(uninitialised: slot.shape, slot.precision)
      ck_activation_backward(
        CK_RELU, result.held.pointer, result.held.type, gradient.held.pointer, gradient.held.type,
        0, 0, share.held.pointer, share.held.type, share.count)
      slot.accumulate(share)
    }
  }

  private func clearInvalid(_ halving: Halving) {
    let row = count / max(1, halving.rows) * precision.byteCount
    for index in halving.outFrames.indices {
      let valid = Int(halving.outFirst[index] + halving.outValid[index])
      let end = Int(halving.outFirst[index] + halving.outFrames[index])
      let start = held.pointer + valid * row
      start.initializeMemory(as: UInt8.self, repeating: 0, count: (end - valid) * row)
    }
  }
}
