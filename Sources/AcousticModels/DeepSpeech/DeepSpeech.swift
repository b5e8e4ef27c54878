package import TensorEngine

/// Three dense layers, a recurrent one that hears what was, and another dense one.
///
/// Hannun et al. 2014 (Deep Speech), as Mozilla's version 0.9 has it: ReLU clipped at 20, LSTM forwards.
package final class DeepSpeech: AcousticNetwork {
  private let configuration: DeepSpeechConfiguration
  package let layers: [any EncoderLayer]
  package let outputLayer: Linear

  package var sizes: any NetworkConfiguration { configuration }
  package var layerName: String { "layers" }

  init(_ configuration: DeepSpeechConfiguration, from source: ParameterSource) throws {
    self.configuration = configuration
    layers = try (0..<configuration.layerCount).map { index in
      try DeepSpeechLayer(
        "layers.\(index)", inputs: configuration.layerWidth(index), isRecurrent: index == 3,
        outputs: configuration.widths[index], configuration, from: source)
    }
    outputLayer = try Linear(
      "output", inputs: configuration.layerWidth(configuration.layerCount),
      outputs: configuration.labelCount, from: source)
  }

  package func entry(
    _ batch: FeatureBatch, _ pass: Pass
  ) -> (hidden: Tensor, segments: Segments) {
    (batch.packed, Segments(frames: batch.valid))
  }

  package func logits(
    _ hidden: Tensor, _ segments: Segments, _ pass: Pass
  ) -> (logits: Tensor, segments: Segments) {
    (outputLayer(hidden, result: .float32, pass), segments)
  }
}

/// A dense layer, or a recurrent one: [rows, inputs] to [rows, outputs].
package final class DeepSpeechLayer: EncoderLayer {
  private let dense: Linear?
  private let recurrent: LongShortTermMemory?
  private let dropout: Float
  private let adapter: BottleneckAdapter?
  package var profile: BottleneckAdapter?

  init(
    _ name: String, inputs: Int, isRecurrent: Bool, outputs: Int,
    _ configuration: DeepSpeechConfiguration, from source: ParameterSource
  ) throws {
    dense =
      isRecurrent
      ? nil : try Linear("\(name).dense", inputs: inputs, outputs: outputs, from: source)
    recurrent =
      isRecurrent
      ? try LongShortTermMemory("\(name).lstm", inputs: inputs, hidden: outputs, from: source) : nil
    dropout = configuration.dropout
    adapter = try configuration.adapterWidth.map {
      try BottleneckAdapter(
        "\(name).\(BottleneckAdapter.name)", size: outputs, width: $0, from: source)
    }
  }

  package func callAsFunction(
    _ x: Tensor, shared: Tensor?, _ segments: Segments, _ pass: Pass
  ) -> Tensor {
    let y =
      dense.map { $0(x, pass).activated(.clippedReLU, dropout: dropout, pass) }
      ?? recurrent!(x, segments, pass)
    return [adapter, profile].reduce(y) { y, adapter in adapter.map { $0(y, pass) } ?? y }
  }

  package var linears: [Linear] { [dense].compactMap { $0 } }
  package var hiddenConsumers: [Linear] { [] }
  package var batchNorms: [BatchNorm] { [] }
}
