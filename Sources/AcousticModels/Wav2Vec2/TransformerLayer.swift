package import TensorEngine

/// Attention and feed-forward, each added to what came in, normalised after or (stable) before: [rows, hidden] to
/// the same.
package final class TransformerLayer: EncoderLayer {
  private let attention: MultiHeadAttention
  private let widen, narrow: Linear
  private let norm, finalNorm: LayerNorm
  private let configuration: Wav2Vec2Configuration
  private let adapter: BottleneckAdapter?
  package var profile: BottleneckAdapter?

  init(_ name: String, _ configuration: Wav2Vec2Configuration, from source: ParameterSource) throws
  {
    self.configuration = configuration
    let size = configuration.hiddenSize
    attention = try MultiHeadAttention(
      "\(name).attention", size: size, heads: configuration.headCount,
      positions: configuration.kind == .wavlm ? .gated : .none,
      dropout: configuration.attentionDropout, names: .wav2vec2, from: source)
    norm = try LayerNorm(
      "\(name).layer_norm", size: size, epsilon: configuration.epsilon, from: source)
    widen = try Linear(
      "\(name).feed_forward.intermediate_dense", inputs: size,
      outputs: configuration.intermediateSize, from: source)
    narrow = try Linear(
      "\(name).feed_forward.output_dense", inputs: configuration.intermediateSize, outputs: size,
      from: source)
    finalNorm = try LayerNorm(
      "\(name).final_layer_norm", size: size, epsilon: configuration.epsilon, from: source)
    adapter = try configuration.adapterWidth.map {
      try BottleneckAdapter(
        "\(name).\(BottleneckAdapter.name)", size: size, width: $0, from: source)
    }
  }

  package func callAsFunction(
    _ x: Tensor, shared: Tensor?, _ segments: Segments, _ pass: Pass
  ) -> Tensor {
    let rate = configuration.hiddenDropout
    func attended(_ x: Tensor) -> Tensor { attention(x, shared: shared, segments, pass) }
    func fed(_ x: Tensor) -> Tensor {
      let hidden = widen(x, pass).activated(
        configuration.activation, dropout: configuration.activationDropout, pass)
      return narrow(hidden, pass)
    }
    var y: Tensor
    if configuration.isStable {
      y = x.adding(attended(norm(x, result: pass.precision)), dropout: rate, pass)
      y = y.adding(fed(finalNorm(y, result: pass.precision)), dropout: rate, pass)
    } else {
      y = norm(x.adding(attended(x), dropout: rate, pass))
      y = finalNorm(y.adding(fed(y), dropout: rate, pass))
    }
    return [adapter, profile].reduce(y) { y, adapter in adapter.map { $0(y, pass) } ?? y }
  }

  package var linears: [Linear] {
    [attention.query, attention.key, attention.value, attention.output, widen, narrow]
  }
  /// transformers' WavLM reads the weights of its attention past the modules that PEFT puts around them.
  package var lowRankTargets: [Linear] {
    configuration.kind == .wavlm ? [widen, narrow] : linears
  }
  package var hiddenConsumers: [Linear] { [narrow] }
  package var batchNorms: [BatchNorm] { [] }
}
