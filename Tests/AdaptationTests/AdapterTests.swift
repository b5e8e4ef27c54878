import AcousticModels
import Adaptation
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// The low-rank adapter in the layout of PEFT: names, shapes, and the product that the model holds.
struct AdapterTests {
  @Test func exportedFactorsAreTheChange() throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    request.strategy = .lora(rank: 3)
    request.storage = .float32
    request.settings.learningRate = 3e-2
    request.settings.epochs = 4
    let report = try AdaptationRun(request).run()
    let place = report.shipsAdapted ? "out/adapter" : "out/training/adapter"
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
    #expect(file.entries["\(prefix).0.conv.pointwise_conv1.lora_A.weight"]?.shape == [3, 32, 1])
    #expect(file.entries["\(prefix).0.conv.pointwise_conv1.lora_B.weight"]?.shape == [64, 3, 1])
    #expect(file.entries["\(prefix).1.feed_forward2.linear1.lora_B.weight"]?.shape == [64, 3])
    guard report.shipsAdapted else { return }
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
  }

  @Test func nothingToExport() throws {
    try onEngine {
      let model = try TinyModel.make()
      #expect(LowRankAdapter(model.network) == nil)
      _ = try model.network.addLowRank(rank: 2, alpha: 4, seed: 1)
      let adapter = try #require(LowRankAdapter(model.network))
      #expect(adapter.rank == 2 && adapter.alpha == 4)
      model.network.mergeLowRank()
      #expect(LowRankAdapter(model.network) == nil)
    }
  }
}
