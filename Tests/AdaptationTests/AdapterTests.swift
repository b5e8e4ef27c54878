import AcousticFeatures
import AcousticModels
import Adaptation
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// The low-rank adapter in the layout of PEFT: names, shapes, and the product that the model holds.
struct AdapterTests {
  /// A corpus with its base, and in `out` what adapting it made, which ships.
  private func adapted(by strategy: Strategy) throws -> TinyCorpus {
    let corpus = try TinyCorpus()
    // A base that knew the clips and lost all that its last layer adds: what is learned must make it ship.
    try onEngine {
      let model = try AcousticModel(directory: try Overfitted.outcome.get().directory)
      let lost = model.network.layers.last!.linears.filter { linear in
        ["linear2", "o_proj", "pointwise_conv2"].contains { linear.name.hasSuffix($0) }
      }
      #expect(lost.count == 4)
      for linear in lost {
        linear.weight.pointer.update(repeating: 0, count: linear.weight.count)
        linear.weight.didChange()
      }
      try model.write(to: corpus.base)
    }
    let clips = try Overfitted.clips()
    var request = AdaptationRequest(
      base: corpus.base, train: try corpus.write(clips, "train"), output: "\(corpus.path)/out")
    request.dev = try corpus.write(try corpus.takes(clips, "dev", level: 0.9), "dev")
    // Of fewer utterances no verdict would be positive.
    request.test = try corpus.write(
      try corpus.takes(clips, "test", level: 0.8) + corpus.takes(clips, "more", level: 0.7), "test")
    request.strategy = strategy
    request.storage = .float32
    request.settings = TinyCorpus.settings
    request.settings.learningRate = 1e-2
    request.settings.batchSeconds = 15
    request.settings.epochs = 40
    request.settings.evaluationSteps = 20
    request.settings.speeds = []
    request.settings.specAugment = nil
    let report = try AdaptationRun(request).run()
    try #require(report.shipsAdapted, "\(report.lines)")
    return corpus
  }

  @Test func exportedFactorsAreTheChange() throws {
    let corpus = try adapted(by: .lora(rank: 3))
    let place = "out/adapter"
    let configuration = try JSONNode(path: "\(corpus.path)/\(place)/adapter_config.json")
    #expect(try configuration["peft_type"].string() == "LORA")
    #expect(try configuration["r"].int() == 3)
    #expect(try configuration["lora_alpha"].double() == 6)
    #expect(configuration["task_type"].value == .null)
    #expect(
      try configuration["target_modules"].strings() == [
        "k_proj", "linear1", "linear2", "o_proj", "pointwise_conv1", "pointwise_conv2", "q_proj",
        "v_proj",
      ])
    let file = try SafetensorsFile(path: "\(corpus.path)/\(place)/adapter_model.safetensors")
    #expect(file.names.count == 40)
    #expect(
      file.metadata["base_sha256"]
        == (try SHA256.hash(file: "\(corpus.base)/model.safetensors").hex))
    let prefix = "base_model.model.encoder.layers"
    #expect(file.entries["\(prefix).0.conv.pointwise_conv1.lora_A.weight"]?.shape == [3, 64, 1])
    #expect(file.entries["\(prefix).0.conv.pointwise_conv1.lora_B.weight"]?.shape == [128, 3, 1])
    #expect(file.entries["\(prefix).1.feed_forward2.linear1.lora_B.weight"]?.shape == [128, 3])
    let (base, adapted) = (try corpus.weights("base"), try corpus.weights("out"))
    for name in base.keys.sorted() where base[name] != adapted[name] {
      let layer = String(name.dropLast(".weight".count))
      let a = try file.readFloats("base_model.model.\(layer).lora_A.weight")
      let b = try file.readFloats("base_model.model.\(layer).lora_B.weight")
      let (inputs, outputs) = (a.count / 3, b.count / 3)
      let expected = (0..<outputs * inputs).map { index -> Float in
        let (row, column) = (index / inputs, index % inputs)
        let sum = (0..<3).reduce(Float(0)) { $0 + b[row * 3 + $1] * a[$1 * inputs + column] }
        return base[name]![index] + 2 * sum
      }
      #expect(Golden.relativeError(adapted[name]!, expected) < 1e-5, "\(name)")
    }
    #expect(base.keys.count { base[$0] != adapted[$0] } == 20)
    try profile("\(corpus.path)/\(place)", corpus, mergeable: true)
  }

  @Test func bottlenecks() throws {
    let corpus = try adapted(by: .adapter(width: 8))
    let (base, adapted) = (try corpus.weights("base"), try corpus.weights("out"))
    #expect(base.allSatisfy { adapted[$0.key] == $0.value })
    let added = Set(adapted.keys).subtracting(base.keys)
    #expect(added.count == 12 && added.allSatisfy { $0.contains(".adapter_layer.") })
    #expect(added.allSatisfy { name in adapted[name]!.contains { $0 != 0 && $0 != 1 } })
    let place = "\(corpus.path)/out/adapter"
    try profile(place, corpus, mergeable: false)
    try onEngine {
      // As it begins, nothing changes; and an adapter of no sense is refused.
      let model = try AcousticModel(directory: corpus.base)
      let wider = try model.addingAdapters(width: 4, seed: 1)
      #expect(logits(wider) == logits(model))
      #expect(throws: IdiolectError.self) { try wider.addingAdapters(width: 5, seed: 1) }
      for width in ["0", "9", "\"8\"", "99999999"] {
        try AtomicFile.write("{\"adapter_attn_dim\": \(width)}", to: "\(place)/adapter_config.json")
        #expect(throws: IdiolectError.self) { try AdapterProfile(directory: place, for: model) }
      }
    }
  }

  private func logits(_ model: AcousticModel) -> [Float] {
    var random = SeededRandom(seed: 3)
    let features = try! LogMel()((0..<16_000).map { _ in random.uniform(-0.5...0.5) })
    return model.network(FeatureBatch([features]), Pass(training: false, precision: .float32))
      .logits
      .values
  }

  /// A profile beside its base hears as the merged model does, and leaves the base as it was.
  private func profile(_ directory: String, _ corpus: TinyCorpus, mergeable: Bool) throws {
    try onEngine {
      let base = try AcousticModel(directory: corpus.base)
      let alone = logits(base)
      let profile = try AdapterProfile(directory: directory, for: base)
      base.use(profile)
      let heard = logits(base)
      let merged = logits(try AcousticModel(directory: "\(corpus.path)/out"))
      #expect(Golden.relativeError(heard, merged) < 1e-4)
      #expect(heard != alone)
      base.use(nil)
      #expect(logits(base) == alone)
      if mergeable {
        try base.merge([(profile, 0.5), (profile, 0.5)])
        #expect(Golden.relativeError(logits(base), merged) < 1e-4)
      } else {
        #expect(throws: IdiolectError.self) { try base.merge([(profile, 1)]) }
      }
      // Of another base it is refused.
      let other = try AcousticModel(directory: try Overfitted.outcome.get().directory)
      #expect(throws: IdiolectError.self) {
        try AdapterProfile(directory: directory, for: other)
      }
    }
  }

  @Test(
    arguments: [
      (#"{"peft_type": "IA3", "r": 2, "lora_alpha": 2}"#, "IA3"),
      (#"{"peft_type": "LORA"}"#, "'r'"), ("{", "adapter_config.json"), ("", "adapter_config.json"),
      (#"{"peft_type": "LORA", "r": 0, "lora_alpha": 2}"#, "rank 0"),
      (#"{"peft_type": "LORA", "r": 3, "lora_alpha": 2}"#, "lora_A.weight' has the shape"),
      (#"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "use_dora": true}"#, "use_dora"),
      (#"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": []}"#, "target_modules"),
      (
        #"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": null}"#, "target_modules"
      ),
      (
        #"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["q_proj"]}"#,
        "target_modules"
      ),
      (
        #"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "alpha_pattern": {"q_proj": 9}}"#,
        "alpha_pattern"
      ),
      (#"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "rank_pattern": 3}"#, "rank_pattern"),
      (
        #"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "layers_to_transform": [0]}"#,
        "layers_to_transform"
      ),
      (#"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "bias": "all"}"#, "bias"),
      (
        #"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "modules_to_save": ["ctc_head"]}"#,
        "modules_to_save"
      ),
    ]) func brokenProfiles(_ configuration: String, _ why: String) throws
  {
    try withProfile { folder, base in
      try AtomicFile.write(configuration, to: "\(folder)/adapter_config.json")
      try expectRefusal(of: folder, for: base, naming: why)
    }
  }

  @Test func brokenProfileWeights() throws {
    try withProfile { folder, base in
      _ = try AdapterProfile(directory: folder, for: base)
      let file = "\(folder)/adapter_model.safetensors"
      let store = try WeightStore(file: file)
      let written = try store.names.sorted().map {
        (name: $0, shape: store[$0]!.shape, values: try store.readFloats($0))
      }
      func write(
        _ metadata: [String: String]? = nil, _ change: (Int, inout [Int], inout [Float]) -> Void
      ) throws {
        try SafetensorsWriter.write(
          written.enumerated().map { index, tensor in
            var (shape, values) = (tensor.shape, tensor.values)
            change(index, &shape, &values)
            return SafetensorsTensor(tensor.name, shape: shape) { values }
          }, metadata: metadata ?? store.files[0].metadata, to: file)
      }
      // As many values, the other way round.
      try write { index, shape, _ in if index == 0 { shape.swapAt(0, 1) } }
      try expectRefusal(of: folder, for: base, naming: "'\(written[0].name)' has the shape")
      for value in [Float.nan, .infinity] {
        try write { index, _, values in if index == 1 { values[values.count - 1] = value } }
        try expectRefusal(of: folder, for: base, naming: "'\(written[1].name)' holds values")
      }
      try write(["base_sha256": ""]) { _, _, _ in }
      try expectRefusal(of: folder, for: base, naming: "belongs to the base")
    }
  }

  /// A base and a low-rank profile of it.
  private func withProfile(_ body: @Sendable (String, AcousticModel) throws -> Void) throws {
    let corpus = try TinyCorpus()
    let folder = "\(corpus.path)/adapter"
    try onEngine {
      let model = try AcousticModel(directory: corpus.base)
      _ = try model.network.addLowRank(rank: 2, alpha: 4, seed: 1)
      let hash = try WeightStore(directory: corpus.base).sha256()
      try LowRankAdapter(model.network)?.write(to: folder, base: corpus.base, hash: hash)
      try body(folder, try AcousticModel(directory: corpus.base))
    }
  }

  private func expectRefusal(of folder: String, for base: AcousticModel, naming what: String) throws
  {
    let error = #expect(throws: IdiolectError.self) {
      try AdapterProfile(directory: folder, for: base)
    }
    #expect(
      error?.message.contains(folder) == true && error?.message.contains(what) == true,
      "\(String(describing: error))")
  }

  /// An adapter that lost does not lie beside the base that ships.
  @Test func losersStayWithTheCheckpoints() throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    request.strategy = .lora(rank: 2)
    request.settings.learningRate = 1e-12
    #expect(try AdaptationRun(request).run().shipsAdapted == false)
    #expect(corpus.bytes("out/adapter/adapter_config.json") == nil)
    #expect(corpus.bytes("out/training/adapter/adapter_config.json") != nil)
  }

  @Test func nothingToExport() throws {
    try onEngine {
      let model = try TinyModel.make()
      #expect(LowRankAdapter(model.network) == nil)
      _ = try model.network.addLowRank(rank: 2, alpha: 4, seed: 1)
      let adapter = try #require(LowRankAdapter(model.network))
      #expect(adapter.rank == 2 && adapter.alpha == 4)
      model.network.foldUpdates()
      #expect(LowRankAdapter(model.network) == nil)
    }
  }
}
