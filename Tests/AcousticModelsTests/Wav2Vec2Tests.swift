import AcousticFeatures
import AcousticModels
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Logits, loss, every gradient and ten optimiser steps of Wav2Vec2ForCTC, beside transformers: see
/// Scripts/golden/wav2vec2.py.
@Suite struct Wav2Vec2Tests {
  static let cases = [
    "group", "layer", "adapters", "hubert", "hubert-batch-norm", "unispeech", "unispeech-sat",
    "data2vec", "wavlm", "wavlm-stable", "sew", "sew-unprojected", "conformer-relative",
    "conformer-rotary", "shrinking", "bert", "bert-shrinking",
  ]

  private func golden(_ name: String) throws -> GoldenCase {
    try GoldenCase("wav2vec2/\(name)", input: "samples")
  }

  /// Masks and all that only training does, at a rate of zero.
  private func training(_ golden: GoldenCase, _ network: any AcousticNetwork) -> GoldenTraining {
    golden.training(network, pass: Pass(training: true, precision: .float32))
  }

  /// One by one and all in a batch: the same, and transformers'.
  @Test(arguments: cases) func logits(_ name: String) throws {
    let golden = try golden(name)
    try onEngine {
      let (network, _) = try golden.network()
      try golden.expectLogits(network)
      for (index, features) in golden.features.enumerated() {
        let expected = try NumpyFile(path: "\(golden.directory)/logits-\(index).npy")
        #expect(expected.shape[0] == network.sizes.outputFrames(features.frames))
        let (alone, _) = network(
          FeatureBatch([features]), Pass(training: false, precision: .float32))
        let worst = Golden.relativeError(alone.values, expected.values)
        #expect(worst < 1e-5, "utterance \(index) alone: \(worst)")
      }
    }
  }

  /// transformers fills up with frames that hear nothing where SEW's layers work on half of an odd number.
  @Test(arguments: ["sew", "sew-unprojected"]) func anOddNumberOfFrames(_ name: String) throws {
    let golden = try golden(name)
    try onEngine {
      let clip = try GoldenCase.features("\(golden.directory)/samples-3.npy")
      let expected = try NumpyFile(path: "\(golden.directory)/logits-3.npy")
      let (network, _) = try golden.network()
      let (logits, _) = network(
        FeatureBatch([clip]), Pass(training: false, precision: .float32))
      #expect(logits.rows == 14 && expected.shape[0] == 15)
      let heard = Array(expected.values.prefix(logits.count))
      #expect(Golden.relativeError(logits.values, heard) < 1e-5)
    }
  }

  @Test(arguments: cases) func lossAndEveryGradient(_ name: String) throws {
    let golden = try golden(name)
    try onEngine {
      let (network, parameters) = try golden.network()
      let store = try SafetensorsFile(path: "\(golden.directory)/gradients.safetensors")
      let trained = parameters.filter { store.names.contains($0.name) }
      // Without masks nothing stands for masked frames, and one convolution is never heard.
      let untrained = parameters.filter { $0.role != .statistic && !store.names.contains($0.name) }
      #expect(untrained.map(\.name).filter { $0.hasSuffix(".masked_spec_embed") }.count == 1)
      #expect(
        untrained.count == (name.hasPrefix("conformer") ? 4 : 1)
          && untrained.dropFirst().allSatisfy { $0.name.contains(".pos_conv_embed.") })
      try training(golden, network).expectGradients(
        trained, "\(golden.directory)/gradients.safetensors"
      ) { try GoldenTraining.gradients(trained) }
    }
  }

  @Test(arguments: cases) func tenSteps(_ name: String) throws {
    let golden = try golden(name)
    try onEngine {
      let (network, parameters) = try golden.network()
      let trained = parameters.filter {
        $0.role != .statistic && !$0.name.hasSuffix(".masked_spec_embed")
      }
      try training(golden, network).expectTenSteps(trained)
    }
  }

  /// What is read is written again, but for what adapting changes.
  @Test func configurationSurvives() throws {
    let path = "\(Golden.directory)/wav2vec2/adapters/config.json"
    let configuration = try Wav2Vec2Configuration(JSONNode(path: path))
    let again = try Wav2Vec2Configuration(JSONNode(configuration.json, file: "again"))
    #expect(again.json == configuration.json && again.summary == configuration.summary)
    #expect(configuration.json["mask_time_length"] == 10)
    var changed = configuration
    changed.labelCount = 31
    #expect(changed.json["vocab_size"] == 31)
    for (key, value, named) in [
      ("conv_kernel", "[10, 3]", "conv_kernel"), ("hidden_size", "0", "hidden_size"),
      ("num_attention_heads", "5", "num_attention_heads"), ("pad_token_id", "20", "pad_token_id"),
      ("feat_extract_norm", "\"batch\"", "feat_extract_norm"), ("hidden_act", "\"mish\"", "mish"),
      ("add_adapter", "3", "add_adapter"), ("conv_stride", "[99999, 99999, 2]", "conv_stride"),
      ("do_stable_layer_norm", "false", "adapter_attn_dim"),
      ("layer_norm_eps", "0", "layer_norm_eps"),
    ] {
      var object = try #require(JSONNode(path: path).value?.object)
      object[key] = try JSONValue(parsing: Data(value.utf8))
      let error = #expect(throws: IdiolectError.self) {
        try Wav2Vec2Configuration(JSONNode(.object(object), file: "config.json"))
      }
      #expect(
        error?.message.hasPrefix("config.json: ") == true && error?.message.contains(named) == true,
        "\(key): \(error?.message ?? "")")
    }
  }
}
