package import TensorEngine

/// The FastConformer-CTC of `ParakeetForCTC`: log-mel frames to a score for each label.
///
/// Rekesh et al. 2023. Utterances are packed after subsampling, so an utterance's logits do not depend on
/// what else is in its batch.
package final class FastConformer: AcousticNetwork {
  let configuration: FastConformerConfiguration
  private let subsampling: any FrameSubsampling
  let blocks: [ConformerBlock]
  package let outputLayer: Linear
  private let relativePositions: RelativePositions

  package var sizes: any NetworkConfiguration { configuration }
  package var layers: [any EncoderLayer] { blocks }
  package var layerName: String { "encoder.layers" }

  /// - Parameter source: random, or a checkpoint's values.
  package init(_ configuration: FastConformerConfiguration, from source: ParameterSource) throws {
    self.configuration = configuration
    subsampling =
      configuration.hasPlainSubsampling
      ? try PlainSubsampling("encoder.subsampling", configuration, from: source)
      : try Subsampling("encoder.subsampling", configuration, from: source)
    blocks = try (0..<configuration.layerCount).map {
      try ConformerBlock("encoder.layers.\($0)", configuration.block, from: source)
    }
    outputLayer = try Linear(
      "ctc_head", inputs: configuration.hiddenSize, outputs: configuration.labelCount,
      trailing: [1], from: source)
    relativePositions = RelativePositions(size: configuration.hiddenSize)
  }

  package func entry(
    _ batch: FeatureBatch, _ pass: Pass
  ) -> (hidden: Tensor, segments: Segments) {
    var (x, segments) = subsampling(batch, pass)
    if configuration.scalesInput {
      x = x.scaled(by: Float(configuration.hiddenSize).squareRoot())
    }
    return (x.dropout(configuration.dropout, pass), segments)
  }

  package func logits(
    _ hidden: Tensor, _ segments: Segments, _ pass: Pass
  ) -> (logits: Tensor, segments: Segments) {
    (outputLayer(hidden, result: .float32, pass), segments)
  }

  package func positions(_ segments: Segments, _ pass: Pass) -> Tensor? {
    relativePositions(length: segments.longest).dropout(configuration.positionDropout, pass)
  }
}
