package import AcousticModels
import Basics
package import TensorEngine

extension Strategy {
  /// The parameters to train, in groups that share a rate, and all that a checkpoint must hold.
  ///
  /// Adds low-rank updates to the network where the strategy asks for them.
  ///
  /// - Parameters:
  ///   - newLabels: whether the output layer has rows that the base did not; it then trains as well.
  ///   - layerDecay: each layer below the output layer learns at this factor of the one above.
  /// - Throws: `.invalidArgument` for more layers than there are.
  package func apply(
    to model: AcousticModel, newLabels: Bool, layerDecay: Double, weightDecay: Double,
    seed: UInt64
  ) throws -> (groups: [ParameterGroup], saved: [Parameter]) {
    let layerCount = model.network.blocks.count
    var all = model.parameters
    var chosen: (Parameter) -> Bool
    switch self {
    case .full: chosen = { _ in true }
    case .outputLayer: chosen = { Strategy.depth(of: $0, layerCount) == 0 }
    case .upper(let layers):
      guard layers <= layerCount else {
        throw IdiolectError(
          .invalidArgument,
          "strategy upper:\(layers): this network has \(layerCount) encoder layers; use full for all"
        )
      }
      chosen = { Strategy.depth(of: $0, layerCount) <= layers }
    case .bias:
      chosen = { $0.role == .bias || ($0.role == .normalisation && $0.name.hasSuffix(".bias")) }
    case .lora(let rank):
      all += try model.network.addLowRank(rank: rank, alpha: Float(2 * rank), seed: seed)
      chosen = { $0.role == .lowRank }
    }
    let trainable = all.filter { parameter in
      parameter.role != .statistic
        && (chosen(parameter) || (newLabels && Strategy.depth(of: parameter, layerCount) == 0))
    }
    let byDepth = Dictionary(grouping: trainable) { Strategy.depth(of: $0, layerCount) }
    let groups = byDepth.keys.sorted().flatMap { depth in
      let scale = (0..<depth).reduce(1.0) { rate, _ in rate * layerDecay }
      let decays = byDepth[depth]!.filter { $0.role == .weight || $0.role == .lowRank }
      let others = byDepth[depth]!.filter { $0.role != .weight && $0.role != .lowRank }
      return [
        ParameterGroup(decays, rateScale: scale, weightDecay: weightDecay),
        ParameterGroup(others, rateScale: scale),
      ]
    }
    return (groups, all)
  }

  /// Layers below the output layer: 0 for it, 1 for the topmost encoder layer.
  static func depth(of parameter: Parameter, _ layerCount: Int) -> Int {
    if parameter.name.hasPrefix("ctc_head.") { return 0 }
    let parts = parameter.name.split(separator: ".")
    if let place = parts.firstIndex(of: "layers"), parts.first == "encoder",
      parts.dropFirst().first == "layers", place + 1 < parts.count,
      let layer = Int(parts[place + 1])
    {
      return layerCount - layer
    }
    return layerCount + 1
  }
}
