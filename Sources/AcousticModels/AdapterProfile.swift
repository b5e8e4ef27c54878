import Basics
import TensorEngine

/// What a base became for one person or accent, in a small file of its own: a low-rank adapter in PEFT's
/// layout, or bottleneck adapters. Many of them share one base in memory.
///
///     let base = try AcousticModel(directory: "Models/english-small")
///     let anna = try AdapterProfile(directory: "runs/anna/adapter", for: base)
///     base.use(anna)      // heard as anna speaks
///     base.use(nil)       // the base again, to the bit
public struct AdapterProfile {
  fileprivate enum Change {
    /// By the name of the linear layer.
    case lowRank([String: LowRankUpdate])
    /// One an encoder layer.
    case bottlenecks([BottleneckAdapter])
  }

  fileprivate let change: Change
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
    let store = try WeightStore(file: "\(directory)/adapter_model.safetensors")
    if let of = store.files[0].metadata["base_sha256"], let home = base.path {
      let own = try WeightStore(directory: home).sha256()
      guard of == own else {
        throw refuse(
          "it belongs to the base with the weights \(of.prefix(12))…, and \(home) has \(own.prefix(12))…; give its own base by --model"
        )
      }
      let language = store.files[0].metadata["language"]
      guard language == base.language else {
        func named(_ language: String?) -> String {
          language.map { "the language '\($0)'" } ?? "the base's own language"
        }
        throw refuse(
          "it was made beside \(named(language)), and \(named(base.language)) is heard; give it the same --language"
        )
      }
    }
    var left = Set(store.names)
    func requireFinite(_ values: [Float], _ name: String) throws {
      guard !values.allSatisfy(\.isFinite) else { return }
      throw refuse(
        "the tensor '\(name)' holds values that are no numbers; its training failed, so make the adapter anew"
      )
    }
    func refuseUnused() throws {
      guard let other = left.sorted().first else { return }
      throw refuse("the tensor '\(other)' belongs to no layer of the base's encoder")
    }
    if node["adapter_attn_dim"].exists {
      let configuration = base.network.sizes
      let width = try node["adapter_attn_dim"].int()
      guard (1...1 << 20).contains(width) else {
        throw refuse("its adapter_attn_dim \(width) makes no sense")
      }
      let source = ParameterSource(checkpoint: store)
      change = .bottlenecks(
        try (0..<configuration.layerCount).map {
          try BottleneckAdapter(
            "\(base.network.layerName).\(base.network.firstLayer + $0).\(BottleneckAdapter.name)",
            size: configuration.layerWidth($0 + 1), width: width, from: source)
        })
      left.subtract(source.parameters.map(\.name))
      try refuseUnused()
      for parameter in source.parameters {
        try requireFinite(parameter.tensor.values, parameter.name)
      }
      return
    }
    guard try node["peft_type"].string() == "LORA" else {
      throw refuse("an adapter of kind \(try node["peft_type"].string()); only LORA can be used")
    }
    for option in ["use_dora", "use_rslora", "fan_in_fan_out"]
    where try node[option].bool(default: false) {
      throw refuse("its \(option) is not supported")
    }
    let (rank, alpha) = (try node["r"].int(), try node["lora_alpha"].double())
    guard (1...4096).contains(rank), alpha.isFinite else {
      throw refuse("its rank \(rank) or lora_alpha \(alpha) makes no sense")
    }
    // What would scale or place updates otherwise.
    for option in [
      "alpha_pattern", "rank_pattern", "layers_to_transform", "layers_pattern", "modules_to_save",
    ] where ![nil, .null, [], [:]].contains(node[option].value) {
      throw refuse("its \(option) is not supported")
    }
    guard try node["bias"].string(default: "none") == "none" else {
      throw refuse("its bias is not supported")
    }
    let prefix = "base_model.model."
    let source = ParameterSource { name, shape in
      let name = prefix + name
      guard let own = store[name]?.shape else { throw refuse("has no tensor '\(name)'") }
      // A convolution over one frame has trailing sizes of 1.
      guard own.starts(with: shape), own.dropFirst(shape.count).allSatisfy({ $0 == 1 }) else {
        throw refuse(
          "the tensor '\(name)' has the shape \(own), and the base and its r ask for \(shape)")
      }
      let values = try store.readFloats(name)
      try requireFinite(values, name)
      return values
    }
    var updates: [String: LowRankUpdate] = [:]
    for linear in base.network.layers.flatMap(\.linears) {
      let name = prefix + linear.name
      guard left.contains("\(name).lora_A.weight") || left.contains("\(name).lora_B.weight")
      else { continue }
      let outputs = linear.weight.shape[0]
      let inputs = linear.weight.count / outputs
      // PEFT's names differ from a layer's own by the prefix alone.
      updates[linear.name] = try LowRankUpdate(
        linear.name, inputs: inputs, outputs: outputs, rank: rank, alpha: Float(alpha),
        from: source)
      left.subtract(["\(name).lora_A.weight", "\(name).lora_B.weight"])
    }
    try refuseUnused()
    guard !updates.isEmpty else { throw refuse("holds no update") }
    if let modules = node["target_modules"].value {
      // PEFT takes a single text for a regular expression over whole names.
      guard case .array = modules else {
        throw refuse("its target_modules is no list of modules; only lists are supported")
      }
      let ends = try node["target_modules"].strings()
      let other = updates.keys.sorted().first { name in
        !ends.contains { name == $0 || name.hasSuffix(".\($0)") }
      }
      if let other {
        throw refuse(
          "has an update of \(other), which its target_modules leaves out; give the adapter_config.json that was written with its weights"
        )
      }
    }
    change = .lowRank(updates)
  }

  /// What a profile's weights say of the base they belong to. Not in `adapter_config.json`: PEFT takes no keys there
  /// but its own.
  package static func metadata(base hash: String, language: String?) -> [String: String] {
    var metadata = ["base_sha256": hash]
    metadata["language"] = language
    return metadata
  }
}

extension AcousticModel {
  /// Puts a profile beside the weights, in place of the one before; nil for the base alone. The weights stay as
  /// they are.
  public func use(_ profile: AdapterProfile?) {
    var (updates, bottlenecks): ([String: LowRankUpdate], [BottleneckAdapter]?) = ([:], nil)
    switch profile?.change {
    case .lowRank(let own)?: updates = own
    case .bottlenecks(let own)?: bottlenecks = own
    case nil: break
    }
    precondition(
      bottlenecks.map { $0.count == network.layers.count } ?? true,
      "a profile read for a network of other layers")
    for linear in network.layers.flatMap(\.linears) { linear.addLowRank(updates[linear.name]) }
    for (index, layer) in network.layers.enumerated() { layer.profile = bottlenecks?[index] }
  }

  /// Folds low-rank profiles into the weights, each by its share: one model that hears as all of them.
  ///
  /// - Throws: `.unsupported` for bottleneck adapters, which are no sum of weights.
  public func merge(_ profiles: [(profile: AdapterProfile, share: Float)]) throws {
    for (profile, share) in profiles {
      guard case .lowRank(let updates) = profile.change else {
        throw IdiolectError(
          .unsupported,
          "\(profile.path): bottleneck adapters cannot be folded into weights; use them with --adapter, or the model that adapt wrote beside them"
        )
      }
      for linear in network.layers.flatMap(\.linears) {
        guard let update = updates[linear.name] else { continue }
        linear.addLowRank(LowRankUpdate(update, share: share))
        linear.foldUpdates()
      }
    }
  }

  /// Writes the network's bottleneck adapters as a profile of its base.
  ///
  /// - Parameters:
  ///   - base: the directory of the base, and the hash of its weights.
  /// - Throws: `.inputOutput`.
  package func writeAdapters(to directory: String, base: String, hash: String) throws {
    guard let width = network.sizes.adapterWidth else { return }
    try AtomicFile.makeDirectory(directory)
    let configuration: JSONValue = [
      "adapter_attn_dim": .integer(width), "base_model_name_or_path": .string(base),
    ]
    try AtomicFile.write(configuration.text(), to: "\(directory)/adapter_config.json")
    let own = parameters.filter(BottleneckAdapter.owns)
    try SafetensorsWriter.write(
      own.map { parameter in
        SafetensorsTensor(parameter.name, shape: parameter.tensor.shape) {
          parameter.tensor.values
        }
      },
      metadata: AdapterProfile.metadata(base: hash, language: language),
      to: "\(directory)/adapter_model.safetensors")
  }
}
