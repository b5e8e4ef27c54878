public import TensorEngine

/// The FastConformer-CTC of `ParakeetForCTC`: log-mel frames to a score for each label.
///
/// Rekesh et al. 2023. Utterances are packed after subsampling, so an utterance's logits do not depend on
/// what else is in its batch.
public final class FastConformer {
  public let configuration: FastConformerConfiguration
  private let subsampling: Subsampling
  package let blocks: [ConformerBlock]
  package let outputLayer: Linear
  private let relativePositions: RelativePositions

  /// - Parameter source: random, or a checkpoint's values.
  public init(_ configuration: FastConformerConfiguration, from source: ParameterSource) throws {
    self.configuration = configuration
    subsampling = try Subsampling("encoder.subsampling", configuration, from: source)
    blocks = try (0..<configuration.layerCount).map {
      try ConformerBlock("encoder.layers.\($0)", configuration, from: source)
    }
    outputLayer = try Linear(
      "ctc_head", inputs: configuration.hiddenSize, outputs: configuration.labelCount,
      trailing: [1], from: source)
    relativePositions = RelativePositions(size: configuration.hiddenSize)
  }

  /// - Returns: logits, [output rows, labels], packed, and where each utterance lies in them.
  public func callAsFunction(_ batch: FeatureBatch, _ pass: Pass) -> (
    logits: Tensor, segments: Segments
  ) {
    let (hidden, segments) = lower(batch, depth: 0, pass)
    return (upper(hidden, segments, depth: 0, pass), segments)
  }

  /// What enters block `depth`, or the output layer where that is their number: [output rows, hidden].
  package func lower(
    _ batch: FeatureBatch, depth: Int, _ pass: Pass
  ) -> (hidden: Tensor, segments: Segments) {
    var (x, segments) = subsampling(batch, pass)
    if configuration.scalesInput {
      x = x.scaled(by: Float(configuration.hiddenSize).squareRoot())
    }
    x = x.dropout(configuration.dropout, pass)
    return (run(blocks[..<depth], x, segments, pass), segments)
  }

  /// What enters each block and, last, the output layer: [output rows, hidden] each.
  package func states(_ batch: FeatureBatch, _ pass: Pass) -> (states: [Tensor], segments: Segments)
  {
    var (x, segments) = lower(batch, depth: 0, pass)
    var states = [x]
    for depth in blocks.indices {
      x = run(blocks[depth...depth], x, segments, pass)
      states.append(x)
    }
    return (states, segments)
  }

  /// The logits, [output rows, labels], of what enters block `depth`.
  package func upper(
    _ hidden: Tensor, _ segments: Segments, depth: Int, _ pass: Pass
  ) -> Tensor {
    outputLayer(run(blocks[depth...], hidden, segments, pass), result: .float32, pass)
  }

  private func run(
    _ blocks: ArraySlice<ConformerBlock>, _ hidden: Tensor, _ segments: Segments, _ pass: Pass
  ) -> Tensor {
    var x = hidden
    let longest = (0..<segments.count).map { segments.range($0).count }.max() ?? 0
    guard longest > 0, !blocks.isEmpty else { return x }
    let positions = relativePositions(length: longest).dropout(configuration.positionDropout, pass)
    for block in blocks {
      // Stochastic depth (Fan et al. 2019). The draw is made whatever the rate, so seeds line up.
      if pass.training && pass.draw() < configuration.layerDrop { continue }
      x = block(x, positions: positions, segments, pass)
    }
    return x
  }
}

extension FastConformer {
  /// Adds a low-rank update to every linear layer of the encoder's blocks; as it begins, nothing changes.
  ///
  /// - Returns: the new parameters.
  package func addLowRank(rank: Int, alpha: Float, seed: UInt64) throws -> [Parameter] {
    let source = ParameterSource(seed: seed)
    for linear in blocks.flatMap(\.linears) {
      linear.addLowRank(
        try LowRankUpdate(
          linear.name, inputs: linear.weight.count / linear.weight.shape[0],
          outputs: linear.weight.shape[0], rank: rank, alpha: alpha, from: source))
    }
    return source.parameters
  }

  /// Adds an amplitude to every hidden unit of the feed-forward modules; as it begins, nothing changes.
  ///
  /// - Returns: the new parameters.
  package func addAmplitudes() throws -> [Parameter] {
    let source = ParameterSource(seed: 0)
    for linear in blocks.flatMap(\.hiddenConsumers) {
      linear.addAmplitudes(
        try InputAmplitudes(
          linear.name, inputs: linear.weight.count / linear.weight.shape[0], from: source))
    }
    return source.parameters
  }

  /// Folds low-rank updates and amplitudes into the weights they belong to.
  package func foldUpdates() { for linear in blocks.flatMap(\.linears) { linear.foldUpdates() } }
}
