public import TensorEngine

extension CTCLoss {
  /// The loss on the tape: the weighted sum over utterances, a scalar, beside what each one gave.
  ///
  /// - Parameters:
  ///   - logits: [rows, labels], packed.
  ///   - utterances: where each lies in the rows, its target and its weight.
  public func onTape(
    logits: Tensor, utterances: [CTCUtterance], policy: CTCExclusionPolicy
  ) throws -> (loss: Tensor, result: CTCLossResult) {
    let values = UnsafeBufferPointer(start: UnsafePointer(logits.pointer), count: logits.count)
    // The gradient is a by-product of the loss, so it is made here and scaled on the way back.
    let gradient = Tensor(uninitialised: logits.shape)
    let result = try self(
      logits: values, utterances: utterances, policy: policy,
      gradient: UnsafeMutableBufferPointer(start: gradient.pointer, count: gradient.count))
    let loss = Tensor([Float(result.weightedLoss)], shape: [])
    return (
      loss.from("ctc loss", [logits]) { outer in
        logits.accumulate(outer.scalar == 1 ? gradient : gradient.scaled(by: outer.scalar))
      }, result
    )
  }
}

extension PackedSegment {
  /// Where a network's logits of one utterance of a batch lie.
  package init(_ segments: Segments, _ index: Int) {
    self.init(
      firstRow: segments.range(index).lowerBound, rows: segments.range(index).count,
      frames: segments.validRange(index).count)
  }
}

extension GreedyDecoder {
  /// Decodes one utterance of a batch.
  ///
  /// - Parameter logits: of the whole batch, [output rows, labels].
  package func callAsFunction(_ logits: Tensor, _ segments: Segments, _ index: Int) throws
    -> [DecodedLabel]
  {
    try self(
      logits: UnsafeBufferPointer(start: logits.pointer, count: logits.count),
      segments: [PackedSegment(segments, index)])[0]
  }
}
