import AcousticFeatures
import AcousticModels
import Basics
import Foundation
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// Logits, loss, every gradient and ten optimiser steps beside the published network written anew; see
/// Scripts/golden/wavenet.py.
@Suite struct WaveNetTests {
  static let cases = ["published", "causal"]

  /// The folder's network as a model directory, opened.
  static func model(_ golden: GoldenCase) throws -> AcousticModel {
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    for file in ["config.json", "vocab.json", "model.safetensors"] {
      try FileManager.default.copyItem(
        atPath: "\(golden.directory)/\(file)", toPath: "\(copy)/\(file)")
    }
    for (file, data) in try FeaturePreset.wavenet.configuration().modelFiles() {
      try data.write(to: URL(fileURLWithPath: "\(copy)/\(file)"))
    }
    return try AcousticModel(directory: copy)
  }

  @Test(arguments: cases) func logits(_ name: String) throws {
    let golden = try GoldenCase("wavenet/\(name)")
    try onEngine { try golden.expectLogits(Self.model(golden).network) }
  }

  @Test(arguments: cases) func lossAndEveryGradient(_ name: String) throws {
    let golden = try GoldenCase("wavenet/\(name)")
    try onEngine {
      let model = try Self.model(golden)
      let trained = model.parameters.filter { $0.role != .statistic }
      try golden.training(model.network).expectGradients(
        trained, "\(golden.directory)/gradients.safetensors"
      ) { try GoldenTraining.gradients(trained) }
    }
  }

  @Test(arguments: cases) func tenSteps(_ name: String) throws {
    let golden = try GoldenCase("wavenet/\(name)")
    try onEngine {
      let model = try Self.model(golden)
      try golden.training(model.network).expectTenSteps(
        model.parameters.filter { $0.role != .statistic })
    }
  }

  /// A frame of the causal one hears nothing of what comes later; of the other, it does.
  @Test(arguments: cases) func whatAFrameHears(_ name: String) throws {
    let golden = try GoldenCase("wavenet/\(name)")
    try onEngine {
      let network = try Self.model(golden).network
      let whole = golden.features[0]
      let start = Features(
        frames: 20, bins: whole.bins, validFrames: 20,
        values: Array(whole.values.prefix(20 * whole.bins)))
      let evaluation = Pass(training: false, precision: .float32)
      let long = network(FeatureBatch([whole]), evaluation).logits.values
      let short = network(FeatureBatch([start]), evaluation).logits.values
      let error = Golden.relativeError(short, Array(long.prefix(short.count)))
      #expect(name == "causal" ? error < 1e-6 : error > 1e-3, "\(error)")
    }
  }

  /// What is written is opened again and gives the same, with layers left out too.
  @Test func roundTrip() throws {
    let golden = try GoldenCase("wavenet/causal")
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    try onEngine {
      let evaluation = Pass(training: false, precision: .float32)
      for model in [try Self.model(golden), try Self.model(golden).keepingLayers(2)] {
        try model.write(to: copy)
        let again = try AcousticModel(directory: copy)
        #expect(again.network.sizes.json == model.network.sizes.json)
        #expect(again.frontEnd.fingerprint == model.frontEnd.fingerprint)
        #expect(
          again.network(FeatureBatch(golden.features), evaluation).logits.values
            == model.network(FeatureBatch(golden.features), evaluation).logits.values)
      }
    }
  }

  @Test(arguments: [
    ("hidden_size", "0"), ("kernel_size", "6"), ("dilations", "[1, 0]"), ("dilations", "[]"),
    ("num_stacks", "-1"), ("num_hidden_layers", "7"), ("pad_token_id", "8"), ("causal", "3"),
    ("num_stacks", "9223372036854775807"),
  ])
  func hostileSizes(_ key: String, _ value: String) throws {
    let path = "\(Golden.directory)/wavenet/causal/config.json"
    var object = try #require(JSONNode(path: path).value?.object)
    object[key] = try JSONValue(parsing: Data(value.utf8))
    let error = #expect(throws: IdiolectError.self) {
      try WaveNetConfiguration(JSONNode(.object(object), file: "config.json"))
    }
    #expect(
      error?.message.hasPrefix("config.json: ") == true && error?.message.contains(key) == true,
      "\(error?.message ?? "")")
  }
}
