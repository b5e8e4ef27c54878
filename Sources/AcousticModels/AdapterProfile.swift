import Basics
import TensorEngine

/// A low-rank adapter in PEFT's layout: what a base became for one person or accent, in a small file of its
/// own. Many of them share one base in memory.
///
///     let base = try AcousticModel(directory: "Models/english-small")
///     let anna = try AdapterProfile(directory: "runs/anna/adapter", for: base)
///     base.use(anna)      // heard as anna speaks
///     base.use(nil)       // the base again, to the bit
public struct AdapterProfile {
  /// By the name of the linear layer.
  fileprivate let updates: [String: LowRankUpdate]
  public let rank: Int
  public let path: String

  /// Reads `adapter_config.json` and `adapter_model.safetensors`.
  ///
  /// - Throws: `.notFound` where one is missing; `.invalidModel` for an adapter of another base, another kind
  ///   or other layers.
  public init(directory: String, for base: AcousticModel) throws {
    path = directory
    let node = try JSONNode(path: "\(directory)/adapter_config.json")
    func refuse(_ what: String) -> IdiolectError {
      IdiolectError(.invalidModel, "\(directory): \(what)")
    }
    guard try node["peft_type"].string() == "LORA" else {
      throw refuse("an adapter of kind \(try node["peft_type"].string()); only LORA can be used")
    }
    for option in ["use_dora", "use_rslora", "fan_in_fan_out"]
    where try node[option].bool(default: false) {
      throw refuse("its \(option) is not supported")
    }
    rank = try node["r"].int()
    let alpha = try node["lora_alpha"].double()
    guard (1...4096).contains(rank), alpha.isFinite else {
      throw refuse("its rank \(rank) or lora_alpha \(alpha) makes no sense")
    }
    let store = try WeightStore(file: "\(directory)/adapter_model.safetensors")
    if let of = store.files[0].metadata["base_sha256"], let home = base.path {
      let own = try WeightStore(directory: home).sha256()
      guard of == own else {
        throw refuse(
          "it belongs to the base with the weights \(of.prefix(12))…, and \(home) has \(own.prefix(12))…; give its own base by --model"
        )
      }
    }
    let prefix = "base_model.model."
    var left = Set(store.names)
    var updates: [String: LowRankUpdate] = [:]
    for linear in base.network.blocks.flatMap(\.linears) {
      let name = prefix + linear.name
      guard left.contains("\(name).lora_A.weight") || left.contains("\(name).lora_B.weight")
      else { continue }
      let outputs = linear.weight.shape[0]
      let inputs = linear.weight.count / outputs
      // PEFT's names differ from a layer's own by the prefix alone.
      updates[linear.name] = try LowRankUpdate(
        linear.name, inputs: inputs, outputs: outputs, rank: rank, alpha: Float(alpha),
        from: ParameterSource { name, _ in try store.readFloats(prefix + name) })
      left.subtract(["\(name).lora_A.weight", "\(name).lora_B.weight"])
    }
    if let other = left.sorted().first {
      throw refuse("the tensor '\(other)' belongs to no linear layer of the base's encoder")
    }
    guard !updates.isEmpty else { throw refuse("holds no update") }
    self.updates = updates
  }
}

extension AcousticModel {
  /// Puts a profile beside the weights, in place of the one before; nil for the base alone. The weights stay as
  /// they are.
  public func use(_ profile: AdapterProfile?) {
    for linear in network.blocks.flatMap(\.linears) {
      linear.addLowRank(profile?.updates[linear.name])
    }
  }

  /// Folds profiles into the weights, each by its share: one model that hears as all of them.
  public func merge(_ profiles: [(profile: AdapterProfile, share: Float)]) {
    for (profile, share) in profiles {
      for linear in network.blocks.flatMap(\.linears) {
        guard let update = profile.updates[linear.name] else { continue }
        linear.addLowRank(LowRankUpdate(update, share: share))
        linear.foldUpdates()
      }
    }
  }
}
