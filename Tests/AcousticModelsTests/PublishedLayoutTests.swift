import AcousticModels
import Basics
import Foundation
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// Directories as checkpoints were published over the years, or by mistake: what transformers opens opens, all else is
/// named.
@Suite struct PublishedLayoutTests {
  private static let oldest = """
    {"do_normalize": true, "feature_size": 1, "padding_side": "right", "padding_value": 0.0,
     "return_attention_mask": false, "sampling_rate": 16000}
    """

  /// Opens a network of the golden data as a directory with `preprocessor_config.json` of the first transformers.
  ///
  /// - Parameters:
  ///   - lost: the end of a tensor's name that the weights leave out.
  ///   - settings: of `config.json`, changed.
  ///   - labels: of `vocab.json`; nil for the letters, after the blank.
  private func open(
    _ name: String, without lost: String? = nil, _ settings: [String: JSONValue] = [:],
    labels: [String]? = nil
  ) throws -> AcousticModel {
    let golden = "\(Golden.directory)/wav2vec2/\(name)"
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    let store = try WeightStore(directory: golden)
    let kept = store.names.filter { name in !(lost.map { name.hasSuffix($0) } ?? false) }
    #expect((kept.count < store.names.count) == (lost != nil))
    try SafetensorsWriter.write(
      try kept.map { name in
        let entry = store[name]!
        let values =
          try entry.type == .int64
          ? store.readInt64s(name).map(Float.init) : store.readFloats(name)
        return SafetensorsTensor(name, shape: entry.shape) { values }
      }, metadata: ["format": "pt"], to: "\(copy)/model.safetensors")
    var config = try #require(JSONNode(path: "\(golden)/config.json").value?.object)
    for (key, value) in settings { config[key] = value }
    let size = config["vocab_size"]?.integer ?? 32
    let labels = labels ?? ["<pad>"] + (1..<size).map { "\(UnicodeScalar(96 + $0)!)" }
    let vocabulary = JSONValue.object(
      JSONObject(labels.enumerated().map { ($1, .integer($0)) }))
    for (file, text) in [
      ("config.json", JSONValue.object(config).text()), ("vocab.json", vocabulary.text()),
      ("preprocessor_config.json", Self.oldest),
    ] { try AtomicFile.write(text, to: "\(copy)/\(file)") }
    return try onEngine { try AcousticModel(directory: copy) }
  }

  /// The vector that stands for masked frames, and what the configuration determines, are made anew.
  @Test(arguments: [
    ("layer", ".masked_spec_embed"), ("conformer-rotary", ".embed_positions.inv_freq"),
  ])
  func tensorsThatMayBeMissing(_ name: String, _ lost: String) throws {
    let model = try open(name, without: lost)
    #expect(model.parameters.contains { $0.name.hasSuffix(lost) })
    let golden = try GoldenCase("wav2vec2/\(name)", input: "samples")
    try onEngine { try golden.expectLogits(model.network) }
  }

  @Test func otherTensorsMayNot() throws {
    let error = #expect(throws: IdiolectError.self) { try open("layer", without: "lm_head.bias") }
    #expect(error?.message.contains("lm_head.bias is missing") == true)
  }

  /// `config.json` keeps transformers' own 0 where nobody set it.
  @Test(arguments: [JSONValue.integer(0), .null]) func theBlankIsTheTokenizersPad(
    _ padding: JSONValue
  ) throws {
    let size = try open("layer").vocabulary.count
    let labels = (0..<size - 1).map { "\(UnicodeScalar(97 + $0)!)" } + ["<pad>"]
    let model = try open("layer", ["pad_token_id": padding], labels: labels)
    #expect(model.vocabulary.blank == size - 1)
    #expect(model.network.sizes.blank == size - 1)
  }

  @Test(arguments: [
    ("layer", "architectures", JSONValue.array(["Wav2Vec2ForPreTraining"]), "fine-tuned with CTC"),
    ("conformer-relative", "conformer_conv_dropout", 1, "0 ..< 1"),
    ("data2vec", "conv_pos_kernel_size", 0, "conv_pos_kernel_size is 0"),
    ("layer", "num_conv_pos_embeddings", 0, "num_conv_pos_embeddings is 0"),
  ])
  func refusals(_ name: String, _ key: String, _ value: JSONValue, _ reason: String) throws {
    let error = #expect(throws: IdiolectError.self) { try open(name, [key: value]) }
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "no error")")
  }

  /// More masks than there are frames for are as many as there is room for.
  @Test func manyMasks() throws {
    let model = try open(
      "layer",
      ["mask_time_prob": 0.05, "mask_time_length": 2, "mask_time_min_masks": .integer(.max)])
    let golden = try GoldenCase("wav2vec2/layer", input: "samples")
    try onEngine {
      let (logits, _) = model.network(
        FeatureBatch(golden.features), Pass(training: true, precision: .float32, seed: 1))
      #expect(!logits.values.contains { !$0.isFinite })
    }
  }

  /// PEFT's modules around WavLM's attention are not heard.
  @Test func whatPEFTCanUpdate() throws {
    let model = try open("wavlm")
    let added = try onEngine { try model.network.addLowRank(rank: 2, alpha: 4, seed: 1) }
    #expect(!added.isEmpty && added.allSatisfy { $0.name.contains(".feed_forward.") })
  }
}
