package import TensorEngine

/// Blocks of convolutions over frames: Jasper (Li et al. 2019), QuartzNet (Kriman et al. 2020) and Citrinet (Majumdar
/// et al. 2021), with NeMo's names.
package final class Jasper: AcousticNetwork {
  private let configuration: JasperConfiguration
  private let entryBlocks: [JasperBlock]
  package let layers: [any EncoderLayer]
  package let outputLayer: Linear

  package var sizes: any NetworkConfiguration { configuration }
  package var layerName: String { "encoder.encoder" }
  package var firstLayer: Int { configuration.entryCount }
  package var batchNorms: [BatchNorm] {
    entryBlocks.flatMap(\.batchNorms) + layers.flatMap(\.batchNorms)
  }

  init(_ configuration: JasperConfiguration, from source: ParameterSource) throws {
    self.configuration = configuration
    var inputs = configuration.inputBins
    let first = configuration.entryCount
    let blocks = try configuration.blocks.enumerated().map { index, block in
      defer { inputs = block.filters }
      return try JasperBlock(
        "encoder.encoder.\(index)", inputs: inputs, block, configuration,
        adapterWidth: index < first ? nil : configuration.adapterWidth, from: source)
    }
    entryBlocks = Array(blocks.prefix(first))
    layers = Array(blocks.dropFirst(first))
    outputLayer = try Linear(
      "decoder.decoder_layers.0", inputs: inputs, outputs: configuration.labelCount, trailing: [1],
      from: source)
  }

  package func entry(
    _ batch: FeatureBatch, _ pass: Pass
  ) -> (hidden: Tensor, segments: Segments) {
    entryBlocks.reduce((batch.packed, Segments(frames: batch.valid))) {
      $0.1.rows == 0
        ? (Tensor(repeating: 0, shape: [0, $1.outputs]), $0.1) : $1.shrinking($0.0, $0.1, pass)
    }
  }

  package func logits(
    _ hidden: Tensor, _ segments: Segments, _ pass: Pass
  ) -> (logits: Tensor, segments: Segments) {
    (outputLayer(hidden, result: .float32, pass), segments)
  }
}
