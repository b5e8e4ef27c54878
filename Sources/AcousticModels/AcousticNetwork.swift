package import Basics
package import TensorEngine

/// A network of any family, from the frames of a front end to a score for each label.
///
/// Utterances are packed where the network has made its own frames of theirs, so that an utterance's logits do not
/// depend on what else is in its batch.
package protocol AcousticNetwork: AnyObject {
  var sizes: any NetworkConfiguration { get }
  /// The encoder's layers, lowest first.
  var layers: [any EncoderLayer] { get }
  /// What the parameters of layer n are called: this and n, counted from `firstLayer`.
  var layerName: String { get }
  var firstLayer: Int { get }
  var outputLayer: Linear { get }
  /// Normalisations that may go live.
  var batchNorms: [BatchNorm] { get }
  /// What the names of parameters begin with that only change in pretraining; nil for none.
  var extractorName: String? { get }

  /// What enters the lowest layer: [hidden rows, hidden], and where each utterance lies in it.
  func entry(_ batch: FeatureBatch, _ pass: Pass) -> (hidden: Tensor, segments: Segments)
  /// What all layers are given of positions; see `MultiHeadAttention`.
  func positions(_ segments: Segments, _ pass: Pass) -> Tensor?
  /// The logits, [output rows, labels], of what the topmost layer gives, and where each utterance lies in them:
  /// some networks give another number of frames than their layers work on.
  func logits(
    _ hidden: Tensor, _ segments: Segments, _ pass: Pass
  ) -> (logits: Tensor, segments: Segments)
}

/// One of the like layers that an encoder is a stack of.
package protocol EncoderLayer: AnyObject {
  /// - Parameter shared: what all layers of the network are given of positions; see `MultiHeadAttention`.
  /// - Returns: as many rows as x has.
  func callAsFunction(
    _ x: Tensor, shared: Tensor?, _ segments: Segments, _ pass: Pass
  ) -> Tensor
  var linears: [Linear] { get }
  /// Those of them that get low-rank updates: which PEFT hears too.
  var lowRankTargets: [Linear] { get }
  /// Those of them that read the feed-forward modules' hidden units.
  var hiddenConsumers: [Linear] { get }
  /// Normalisations that may go live.
  var batchNorms: [BatchNorm] { get }
  /// What follows the layer while a profile is in use.
  var profile: BottleneckAdapter? { get set }
}

/// The sizes of a network, as its `config.json` states them.
package protocol NetworkConfiguration: Sendable {
  /// As users know the family, such as "FastConformer-CTC (ParakeetForCTC)".
  var family: String { get }
  /// One line of the encoder's sizes.
  var summary: String { get }
  /// Of a frame that enters layer `depth`, or the output layer where that is their number.
  func layerWidth(_ depth: Int) -> Int
  var layerCount: Int { get set }
  var labelCount: Int { get set }
  /// The index of the blank.
  var blank: Int { get set }
  /// The probability that training skips a layer.
  var layerDrop: Float { get }
  /// Whether training masks frames within the network, so that SpecAugment on its features would be a second time.
  var masksFrames: Bool { get }
  /// Of the bottleneck adapters at the end of the encoder's layers; nil for none.
  var adapterWidth: Int? { get set }
  /// What a frame of the front end must have.
  var inputBins: Int { get }
  /// Frames of the front end to an output frame.
  var subsamplingFactor: Int { get }
  /// Frames of the front end to a frame that the layers work on.
  var layerSubsamplingFactor: Int { get }
  /// Output frames for so many frames of the front end.
  func outputFrames(_ frames: Int) -> Int
  /// `config.json`, as transformers reads it.
  var json: JSONValue { get }
  /// - Throws: `.invalidModel` that names the setting.
  func validate(file: String) throws
  /// - Parameter source: random, or a checkpoint's values.
  func network(from source: ParameterSource) throws -> any AcousticNetwork
}

extension EncoderLayer {
  package var lowRankTargets: [Linear] { linears }
}

extension NetworkConfiguration {
  package var layerSubsamplingFactor: Int { subsamplingFactor }
  package var masksFrames: Bool { false }
}

extension AcousticNetwork {
  package var extractorName: String? { nil }
  package var firstLayer: Int { 0 }
  package var batchNorms: [BatchNorm] { layers.flatMap(\.batchNorms) }
  package func positions(_ segments: Segments, _ pass: Pass) -> Tensor? { nil }

  /// What some of the layers, one above the other, make of what enters the first of them.
  package func run(
    _ range: Range<Int>, _ hidden: Tensor, _ segments: Segments, _ pass: Pass
  ) -> Tensor {
    guard segments.rows > 0, !range.isEmpty else { return hidden }
    let shared = positions(segments, pass)
    return layers[range].reduce(hidden) { x, layer in
      // Stochastic depth (Fan et al. 2019). The draw is made whatever the rate, so seeds line up.
      if pass.training && pass.draw() < sizes.layerDrop { return x }
      guard pass.recomputes else { return layer(x, shared: shared, segments, pass) }
      return Tape.recomputing(x, pass) { layer($0, shared: shared, segments, $1) }
    }
  }

  /// What enters layer `depth`, or the output layer where that is their number: [hidden rows, hidden].
  package func lower(
    _ batch: FeatureBatch, depth: Int, _ pass: Pass
  ) -> (hidden: Tensor, segments: Segments) {
    let (x, segments) = entry(batch, pass)
    return (run(0..<depth, x, segments, pass), segments)
  }

  /// What enters each layer and, last, what the topmost gives: [hidden rows, hidden] each.
  package func states(
    _ batch: FeatureBatch, _ pass: Pass
  ) -> (states: [Tensor], segments: Segments) {
    var (x, segments) = entry(batch, pass)
    var states = [x]
    for depth in layers.indices {
      x = run(depth..<depth + 1, x, segments, pass)
      states.append(x)
    }
    return (states, segments)
  }

  /// The logits, [output rows, labels], of what enters layer `depth`.
  package func upper(
    _ hidden: Tensor, _ segments: Segments, depth: Int, _ pass: Pass
  ) -> (logits: Tensor, segments: Segments) {
    logits(run(depth..<layers.count, hidden, segments, pass), segments, pass)
  }

  /// - Returns: logits, [output rows, labels], packed, and where each utterance lies in them.
  package func callAsFunction(
    _ batch: FeatureBatch, _ pass: Pass
  ) -> (logits: Tensor, segments: Segments) {
    let (hidden, segments) = lower(batch, depth: 0, pass)
    return upper(hidden, segments, depth: 0, pass)
  }

  /// Layers from the top that a parameter lies in: 0 for the output layer, 1 for the topmost of the encoder, one
  /// more than there are for what lies below them.
  package func depth(of parameter: Parameter) -> Int {
    if parameter.name.hasPrefix("\(outputLayer.name).") { return 0 }
    guard parameter.name.hasPrefix("\(layerName)."),
      let layer = Int(parameter.name.dropFirst(layerName.count + 1).prefix { $0 != "." })
    else { return layers.count + 1 }
    return min(layers.count + 1, layers.count + firstLayer - layer)
  }

  /// Adds a low-rank update to every linear layer of the encoder's layers; as it begins, nothing changes.
  ///
  /// - Returns: the new parameters.
  package func addLowRank(rank: Int, alpha: Float, seed: UInt64) throws -> [Parameter] {
    let source = ParameterSource(seed: seed)
    for linear in layers.flatMap(\.lowRankTargets) {
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
    for linear in layers.flatMap(\.hiddenConsumers) {
      linear.addAmplitudes(
        try InputAmplitudes(
          linear.name, inputs: linear.weight.count / linear.weight.shape[0], from: source))
    }
    return source.parameters
  }

  /// Folds low-rank updates and amplitudes into the weights they belong to.
  package func foldUpdates() { for linear in layers.flatMap(\.linears) { linear.foldUpdates() } }
}
