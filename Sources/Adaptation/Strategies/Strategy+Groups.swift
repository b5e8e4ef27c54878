package import AcousticModels
import Basics
package import TensorEngine

extension Strategy {
  /// The parameters to train, in groups that share a rate, and all that a checkpoint must hold.
  ///
  /// Adds low-rank updates or amplitudes to the network where the strategy asks for them; adapters it must have
  /// already. A new output layer trains alone at first: its random rows would otherwise teach the encoder
  /// nonsense.
  ///
  /// - Parameters:
  ///   - newLabels: whether the output layer has rows that the base did not; it then trains as well.
  ///   - layerDecay: each layer below the output layer learns at this factor of the one above.
  ///   - pull: how strongly weights that the base had are drawn back to it; nil for not at all.
  /// - Throws: `.invalidArgument` for more layers than there are; `.unsupported` where the network has nothing
  ///   that the strategy would train.
  package func apply(
    to model: AcousticModel, newLabels: Bool, layerDecay: Double, weightDecay: Double,
    pull: Double? = nil, seed: UInt64
  ) throws -> (groups: [ParameterGroup], saved: [Parameter]) {
    let layerCount = model.network.layers.count
    var all = model.parameters
    var chosen: (Parameter) -> Bool
    switch self {
    case .full, .gradual, .automatic: chosen = { _ in true }
    case .outputLayer: chosen = { model.network.depth(of: $0) == 0 }
    case .upper(let layers):
      guard layers <= layerCount else {
        throw IdiolectError(
          .invalidArgument,
          "strategy upper:\(layers): this network has \(layerCount) encoder layers; use full for all"
        )
      }
      chosen = { model.network.depth(of: $0) <= layers }
    case .bias:
      chosen = { $0.role == .bias || ($0.role == .normalisation && $0.name.hasSuffix(".bias")) }
    case .norm: chosen = { $0.role == .normalisation }
    case .lhuc:
      all += try model.network.addAmplitudes()
      chosen = { $0.role == .amplitude }
    case .adapter: chosen = BottleneckAdapter.owns
    case .lora(let rank):
      all += try model.network.addLowRank(rank: rank, alpha: Float(2 * rank), seed: seed)
      chosen = { $0.role == .lowRank }
    }
    // Convolutions over samples learnt all languages' sounds; little data can only harm them.
    let extractor = model.network.extractorName
    let trainable = all.filter { parameter in
      parameter.role != .statistic && extractor.map { !parameter.name.hasPrefix($0) } ?? true
        && (chosen(parameter) || (newLabels && model.network.depth(of: parameter) == 0))
    }
    // A new output layer alone would train, and nobody would know.
    guard self == .outputLayer || trainable.contains(where: { model.network.depth(of: $0) > 0 })
    else {
      throw IdiolectError(
        .unsupported,
        "strategy \(self): the encoder of a \(model.network.sizes.family) network has nothing that it trains; use full, upper:N or adapter"
      )
    }
    let byDepth = Dictionary(grouping: trainable) { model.network.depth(of: $0) }
    let groups = byDepth.keys.sorted().flatMap { depth in
      let scale = (0..<depth).reduce(1.0) { rate, _ in rate * layerDecay }
      let decays = byDepth[depth]!.filter { $0.role == .weight || $0.role == .lowRank }
      let others = byDepth[depth]!.filter { $0.role != .weight && $0.role != .lowRank }
      let start = self.start(depth: depth, layerCount, newLabels: newLabels)
      let held = newLabels && depth == 0 ? nil : pull
      return [
        ParameterGroup(
          decays, rateScale: scale, weightDecay: weightDecay, start: start, pull: held),
        ParameterGroup(others, rateScale: scale, start: start, pull: held),
      ]
    }
    return (groups, all)
  }

  /// The share of training after which a layer begins to train.
  private func start(depth: Int, _ layerCount: Int, newLabels: Bool) -> Double {
    if depth == 0 { return 0 }
    let warm = newLabels ? Strategy.outputLayerShare : 0
    guard self == .gradual else { return warm }
    // The output layer, the encoder's layers, what lies below them.
    return max(warm, 0.5 * Double(depth) / Double(layerCount + 1))
  }

  /// The share of training in which a new output layer trains alone.
  static let outputLayerShare = 0.1
}
