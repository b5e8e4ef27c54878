package import TensorEngine

/// Half a feed-forward, attention, convolution, half a feed-forward, each added to what came in.
///
/// Gulati et al. 2020 (Conformer). [rows, hidden] to [rows, hidden].
package final class ConformerBlock: EncoderLayer {
  private let first, second: FeedForward
  private let attention: MultiHeadAttention
  private let convolution: ConvolutionModule
  private let beforeFirst, beforeAttention, beforeConvolution, beforeSecond, after: LayerNorm
  private let dropouts: ConformerShape.Dropouts
  /// What follows the last normalisation, if anything: of the network, and of a profile that is in use.
  private let adapter: BottleneckAdapter?
  package var profile: BottleneckAdapter?

  init(_ name: String, _ shape: ConformerShape, from source: ParameterSource) throws {
    let names = shape.names
    func norm(_ part: String) throws -> LayerNorm {
      try LayerNorm("\(name).\(part)", size: shape.size, epsilon: shape.epsilon, from: source)
    }
    first = try FeedForward("\(name).\(names.feedForwards.0)", shape, from: source)
    attention = try MultiHeadAttention(
      "\(name).\(names.attention)", size: shape.size, heads: shape.headCount, bias: shape.hasBias,
      positions: shape.positions, dropout: shape.dropouts.weights, names: names.attentionParts,
      from: source)
    convolution = try ConvolutionModule("\(name).\(names.convolution)", shape, from: source)
    second = try FeedForward("\(name).\(names.feedForwards.1)", shape, from: source)
    beforeFirst = try norm(names.feedForwardNorms.0)
    beforeAttention = try norm(names.attentionNorm)
    beforeConvolution = try norm(names.convolutionNorm)
    beforeSecond = try norm(names.feedForwardNorms.1)
    after = try norm(names.outputNorm)
    dropouts = shape.dropouts
    adapter = try shape.adapterWidth.map {
      try BottleneckAdapter(
        "\(name).\(BottleneckAdapter.name)", size: shape.size, width: $0, from: source)
    }
  }

  package func callAsFunction(
    _ x: Tensor, shared: Tensor?, _ segments: Segments, _ pass: Pass
  ) -> Tensor {
    var x = x
    func add(_ branch: Tensor, scaledBy scale: Float = 1, dropout: Float) {
      x = x.adding(branch, scaledBy: scale, dropout: dropout, pass)
    }
    func normalised(_ norm: LayerNorm) -> Tensor { norm(x, result: pass.precision) }
    add(first(normalised(beforeFirst), pass), scaledBy: 0.5, dropout: dropouts.feedForward)
    add(
      attention(normalised(beforeAttention), shared: shared, segments, pass),
      dropout: dropouts.attention)
    add(
      convolution(normalised(beforeConvolution), segments, pass), dropout: dropouts.convolution)
    add(second(normalised(beforeSecond), pass), scaledBy: 0.5, dropout: dropouts.feedForward)
    return [adapter, profile].reduce(after(x)) { x, adapter in adapter.map { $0(x, pass) } ?? x }
  }

  package var linears: [Linear] {
    [first.widen, first.narrow] + [attention.query, attention.key, attention.value]
      + [attention.output] + [convolution.gate, convolution.mix, second.widen, second.narrow]
  }
  package var hiddenConsumers: [Linear] { [first.narrow, second.narrow] }
  package var batchNorms: [BatchNorm] { convolution.channelNorm.map { [$0] } ?? [] }
}

/// Widen, activation, dropout, narrow.
final class FeedForward {
  let widen, narrow: Linear
  private let activation: Activation
  private let dropout: Float

  init(_ name: String, _ shape: ConformerShape, from source: ParameterSource) throws {
    widen = try Linear(
      "\(name).\(shape.names.widen)", inputs: shape.size, outputs: shape.intermediateSize,
      bias: shape.hasBias, from: source)
    narrow = try Linear(
      "\(name).\(shape.names.narrow)", inputs: shape.intermediateSize, outputs: shape.size,
      bias: shape.hasBias, from: source)
    (activation, dropout) = (shape.activation, shape.dropouts.activation)
  }

  func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    narrow(widen(x, pass).activated(activation, dropout: dropout, pass), pass)
  }
}

/// Gate, depthwise convolution over frames, normalisation, activation, mix.
final class ConvolutionModule {
  let gate, mix: Linear
  let channelNorm: BatchNorm?
  private let frameNorm: LayerNorm?
  private let depthwise: DepthwiseConvolution
  private let activation: Activation

  init(_ name: String, _ shape: ConformerShape, from source: ParameterSource) throws {
    let (size, bias) = (shape.size, shape.convolutionHasBias)
    gate = try Linear(
      "\(name).pointwise_conv1", inputs: size, outputs: 2 * size, bias: bias, trailing: [1],
      from: source)
    depthwise = try DepthwiseConvolution(
      "\(name).depthwise_conv", channels: size, kernel: shape.kernel, bias: bias,
      isCausal: shape.isCausal, from: source)
    let norm = "\(name).\(shape.names.depthwiseNorm)"
    channelNorm = shape.isCausal ? nil : try BatchNorm(norm, size: size, from: source)
    frameNorm =
      shape.isCausal
      ? try LayerNorm(norm, size: size, epsilon: shape.epsilon, from: source) : nil
    mix = try Linear(
      "\(name).pointwise_conv2", inputs: size, outputs: size, bias: bias, trailing: [1],
      from: source)
    activation = shape.activation
  }

  func callAsFunction(_ x: Tensor, _ segments: Segments, _ pass: Pass) -> Tensor {
    let heard = depthwise(gate(x, pass).gatedLinearUnit(), segments)
    let normalised = channelNorm?(heard, segments, pass) ?? frameNorm?(heard) ?? heard
    return mix(normalised.activated(activation, pass), pass)
  }
}
