package import TensorEngine

/// Half a feed-forward, attention, convolution, half a feed-forward, each added to what came in.
///
/// Gulati et al. 2020 (Conformer). [rows, hidden] to [rows, hidden].
package final class ConformerBlock: EncoderLayer {
  private let first, second: FeedForward
  private let attention: MultiHeadAttention
  private let convolution: ConvolutionModule
  private let beforeFirst, beforeAttention, beforeConvolution, beforeSecond, after: LayerNorm
  private let dropout: Float
  /// What follows the last normalisation, if anything: of the network, and of a profile that is in use.
  private let adapter: BottleneckAdapter?
  package var profile: BottleneckAdapter?

  init(_ name: String, _ configuration: FastConformerConfiguration, from source: ParameterSource)
    throws
  {
    let size = configuration.hiddenSize
    first = try FeedForward("\(name).feed_forward1", configuration, from: source)
    attention = try MultiHeadAttention(
      "\(name).self_attn", size: size, heads: configuration.headCount,
      bias: configuration.attentionBias, relativePositions: true,
      dropout: configuration.attentionDropout, from: source)
    convolution = try ConvolutionModule("\(name).conv", configuration, from: source)
    second = try FeedForward("\(name).feed_forward2", configuration, from: source)
    beforeFirst = try LayerNorm("\(name).norm_feed_forward1", size: size, from: source)
    beforeAttention = try LayerNorm("\(name).norm_self_att", size: size, from: source)
    beforeConvolution = try LayerNorm("\(name).norm_conv", size: size, from: source)
    beforeSecond = try LayerNorm("\(name).norm_feed_forward2", size: size, from: source)
    after = try LayerNorm("\(name).norm_out", size: size, from: source)
    dropout = configuration.dropout
    adapter = try configuration.adapterWidth.map {
      try BottleneckAdapter(
        "\(name).\(BottleneckAdapter.name)", size: size, width: $0, from: source)
    }
  }

  func callAsFunction(_ x: Tensor, positions: Tensor, _ segments: Segments, _ pass: Pass) -> Tensor
  {
    var x = x
    func add(_ branch: Tensor, scaledBy scale: Float = 1) {
      x = x.adding(branch, scaledBy: scale, dropout: dropout, pass)
    }
    func normalised(_ norm: LayerNorm) -> Tensor { norm(x, result: pass.precision) }
    add(first(normalised(beforeFirst), pass), scaledBy: 0.5)
    add(attention(normalised(beforeAttention), positions: positions, segments, pass))
    add(convolution(normalised(beforeConvolution), segments, pass))
    add(second(normalised(beforeSecond), pass), scaledBy: 0.5)
    return [adapter, profile].reduce(after(x)) { x, adapter in adapter.map { $0(x, pass) } ?? x }
  }

  package var linears: [Linear] {
    [first.widen, first.narrow] + [attention.query, attention.key, attention.value]
      + [attention.output] + [convolution.gate, convolution.mix, second.widen, second.narrow]
  }
  package var hiddenConsumers: [Linear] { [first.narrow, second.narrow] }
  package var batchNorm: BatchNorm? { convolution.norm }
}

/// Widen, SiLU, dropout, narrow.
final class FeedForward {
  let widen, narrow: Linear
  private let dropout: Float

  init(_ name: String, _ configuration: FastConformerConfiguration, from source: ParameterSource)
    throws
  {
    widen = try Linear(
      "\(name).linear1", inputs: configuration.hiddenSize, outputs: configuration.intermediateSize,
      bias: configuration.attentionBias, from: source)
    narrow = try Linear(
      "\(name).linear2", inputs: configuration.intermediateSize, outputs: configuration.hiddenSize,
      bias: configuration.attentionBias, from: source)
    dropout = configuration.activationDropout
  }

  func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    narrow(widen(x, pass).activated(.silu, dropout: dropout, pass), pass)
  }
}

/// Gate, depthwise convolution over frames, batch norm, SiLU, mix.
final class ConvolutionModule {
  let gate, mix: Linear
  private let depthwise: DepthwiseConvolution
  let norm: BatchNorm

  init(_ name: String, _ configuration: FastConformerConfiguration, from source: ParameterSource)
    throws
  {
    let (size, bias) = (configuration.hiddenSize, configuration.convolutionBias)
    gate = try Linear(
      "\(name).pointwise_conv1", inputs: size, outputs: 2 * size, bias: bias, trailing: [1],
      from: source)
    depthwise = try DepthwiseConvolution(
      "\(name).depthwise_conv", channels: size, kernel: configuration.convolutionKernel, bias: bias,
      from: source)
    norm = try BatchNorm("\(name).norm", size: size, from: source)
    mix = try Linear(
      "\(name).pointwise_conv2", inputs: size, outputs: size, bias: bias, trailing: [1],
      from: source)
  }

  func callAsFunction(_ x: Tensor, _ segments: Segments, _ pass: Pass) -> Tensor {
    let gated = gate(x, pass).gatedLinearUnit()
    return mix(norm(depthwise(gated, segments), segments, pass).activated(.silu, pass), pass)
  }
}
