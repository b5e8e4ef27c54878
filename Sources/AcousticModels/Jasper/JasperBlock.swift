package import TensorEngine

/// Convolutions, each normalised by channel; before the last activation what came in is added, through one of its
/// own. [rows, inputs] to [rows, outputs].
package final class JasperBlock: EncoderLayer {
  private struct Step {
    let convolution: FrameConvolution
    let mix: Linear?
    let norm: BatchNorm
  }

  private let steps: [Step]
  private let squeeze: ChannelSqueeze?
  private let residual: (mix: Linear, norm: BatchNorm)?
  private let residualStride: Int
  private let activation: Activation
  private let dropout: Float
  private let adapter: BottleneckAdapter?
  package var profile: BottleneckAdapter?
  let outputs: Int

  init(
    _ name: String, inputs: Int, _ block: JasperConfiguration.Block,
    _ configuration: JasperConfiguration, adapterWidth: Int?, from source: ParameterSource
  ) throws {
    (activation, dropout, outputs) = (configuration.activation, block.dropout, block.filters)
    // Masked convolutions hold one.
    let inner = configuration.isMasked ? ".conv" : ""
    func norm(_ name: String) throws -> BatchNorm {
      try BatchNorm(name, size: block.filters, epsilon: 1e-3, from: source)
    }
    var (width, place) = (inputs, 0)
    // Places in NeMo's list count activations and dropouts too.
    func next() -> String {
      defer { place += 1 }
      return "\(name).mconv.\(place)"
    }
    steps = try block.strides.map { stride in
      let convolution = try FrameConvolution(
        next() + inner, inputs: width, outputs: block.isSeparable ? width : block.filters, block,
        stride: stride, from: source)
      let mix =
        block.isSeparable
        ? try Linear(
          next() + inner, inputs: width, outputs: block.filters, bias: false, trailing: [1],
          from: source) : nil
      defer {
        width = block.filters
        place += 2
      }
      return Step(convolution: convolution, mix: mix, norm: try norm(next()))
    }
    // No activation follows the last.
    squeeze = try block.squeeze.map {
      try ChannelSqueeze(
        "\(name).mconv.\(place - 2)", channels: block.filters, factor: $0, configuration.activation,
        from: source)
    }
    residual =
      block.hasResidual
      ? (
        try Linear(
          "\(name).res.0.0\(inner)", inputs: inputs, outputs: block.filters, bias: false,
          trailing: [1], from: source), try norm("\(name).res.0.1")
      ) : nil
    residualStride = block.stridesResidual ? block.stride : 1
    adapter = try adapterWidth.map {
      try BottleneckAdapter(
        "\(name).\(BottleneckAdapter.name)", size: block.filters, width: $0, from: source)
    }
  }

  package func callAsFunction(
    _ x: Tensor, shared: Tensor?, _ segments: Segments, _ pass: Pass
  ) -> Tensor {
    let y = shrinking(x, segments, pass).0
    return [adapter, profile].reduce(y) { y, adapter in adapter.map { $0(y, pass) } ?? y }
  }

  /// The same where strides leave fewer frames.
  func shrinking(_ x: Tensor, _ segments: Segments, _ pass: Pass) -> (Tensor, Segments) {
    var (y, places) = (x, segments)
    for (index, step) in steps.enumerated() {
      (y, places) = step.convolution(y, places, pass)
      if let mix = step.mix { y = mix(y, result: .float32, pass) }
      y = step.norm(y, places, pass)
      if index < steps.count - 1 { y = y.activated(activation, dropout: dropout, pass) }
    }
    if let squeeze { y = squeeze(y, places, pass) }
    if let residual {
      let kept = x.everyRow(residualStride, segments)
      y = y.adding(residual.norm(residual.mix(kept, result: .float32, pass), places, pass))
    }
    return (y.activated(activation, dropout: dropout, pass), places)
  }

  package var linears: [Linear] { steps.compactMap(\.mix) + [residual?.mix].compactMap { $0 } }
  package var hiddenConsumers: [Linear] { [] }
  package var batchNorms: [BatchNorm] { steps.map(\.norm) + [residual?.norm].compactMap { $0 } }
}

/// A convolution along the frames of packed utterances, by channel or whole; it may take a stride.
private final class FrameConvolution {
  private let sameLength: DepthwiseConvolution?
  private let other: Convolution1D?
  private let outputs: Int

  init(
    _ name: String, inputs: Int, outputs: Int, _ block: JasperConfiguration.Block, stride: Int,
    from source: ParameterSource
  ) throws {
    self.outputs = outputs
    let isPlain = block.isSeparable && stride == 1 && block.dilation == 1
    sameLength =
      isPlain
      ? try DepthwiseConvolution(
        name, channels: inputs, kernel: block.kernel, bias: false, from: source) : nil
    other =
      isPlain
      ? nil
      : try Convolution1D(
        name, inputs: inputs, outputs: outputs, kernel: block.kernel, bias: false, stride: stride,
        padding: block.padding, dilation: block.dilation, groups: block.isSeparable ? inputs : 1,
        from: source)
  }

  func callAsFunction(_ x: Tensor, _ segments: Segments, _ pass: Pass) -> (Tensor, Segments) {
    if let sameLength { return (sameLength(x, segments), segments) }
    return x.mappingUtterances(segments, columns: outputs) { x in
      let y = other!(x.reshaped([1, x.rows, x.columns]), pass)
      return y.reshaped([y.shape[1], y.shape[2]])
    }
  }
}

/// Each channel counts as much as the means of all of them over an utterance say: squeeze and excitation.
///
/// Hu et al. 2018; Han et al. 2020 (ContextNet).
private final class ChannelSqueeze {
  private let narrow, widen: Linear
  private let activation: Activation

  init(
    _ name: String, channels: Int, factor: Int, _ activation: Activation,
    from source: ParameterSource
  ) throws {
    self.activation = activation
    let width = channels / factor
    narrow = try Linear(
      "\(name).fc.0", inputs: channels, outputs: width, bias: false, from: source)
    widen = try Linear("\(name).fc.2", inputs: width, outputs: channels, bias: false, from: source)
  }

  func callAsFunction(_ x: Tensor, _ segments: Segments, _ pass: Pass) -> Tensor {
    // In float32, as the original does: small differences of means decide.
    let precise = Pass(training: false, precision: .float32)
    return x.mappingUtterances(segments, columns: x.columns) { x in
      let share = Tensor(repeating: 1 / Float(x.rows), shape: [1, 1, x.rows])
      let means = share.matmul(x.reshaped([1, x.rows, x.columns]), precise)
        .reshaped([1, x.columns])
      let counts = widen(narrow(means, precise).activated(activation, precise), precise)
        .activated(.sigmoid, precise)
      return x.scaledColumns(by: counts)
    }.0
  }
}

extension Tensor {
  /// The first row of each utterance and every so many after it.
  fileprivate func everyRow(_ step: Int, _ segments: Segments) -> Tensor {
    guard step > 1 else { return self }
    return gatheringRows(
      (0..<segments.count).flatMap { index in
        Swift.stride(
          from: segments.validRange(index).lowerBound, to: segments.validRange(index).upperBound,
          by: step
        ).map { Int32($0) }
      })
  }
}
