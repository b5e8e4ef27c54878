import AcousticFeatures
import AcousticModels
import Basics
import Foundation
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// Archives that NeMo wrote: features, logits, loss, every gradient and ten optimiser steps beside NeMo's own; see
/// Scripts/golden/nemo_archives.py.
@Suite struct NeMoTests {
  static let cases = ["fastconformer", "conformer", "quartznet", "citrinet"]

  private struct Case {
    let directory: String
    let facts: JSONNode
    let labels: [[Int]]
    let features: [Features]

    init(_ name: String) throws {
      directory = "\(Golden.directory)/nemo/\(name)"
      facts = try JSONNode(path: "\(directory)/case.json")
      labels = try facts["labels"].array().map { try $0.ints() }
      let directory = directory
      features = try labels.indices.map {
        let file = try NumpyFile(path: "\(directory)/features-\($0).npy")
        return Features(
          frames: file.shape[0], bins: file.shape[1], validFrames: file.shape[0],
          values: file.values)
      }
    }

    func model() throws -> AcousticModel { try AcousticModel(directory: "\(directory)/model.nemo") }
  }

  @Test(arguments: cases) func featuresAndLabels(_ name: String) throws {
    let golden = try Case(name)
    try onEngine {
      let model = try golden.model()
      for (index, text) in try golden.facts["texts"].strings().enumerated() {
        #expect(model.vocabulary.encode(text).ids == golden.labels[index])
        #expect(model.vocabulary.decode(golden.labels[index]) == text)
        let samples = try NumpyFile(path: "\(golden.directory)/samples-\(index).npy").values
        let made = try model.frontEnd(samples)
        #expect(made.validFrames == golden.features[index].frames)
        let ours = Array(made.values.prefix(made.validFrames * made.bins))
        #expect(Golden.relativeError(ours, golden.features[index].values) < 1e-4)
      }
    }
  }

  @Test(arguments: cases) func logits(_ name: String) throws {
    let golden = try Case(name)
    try onEngine {
      let model = try golden.model()
      let evaluation = Pass(training: false, precision: .float32)
      let (all, segments) = model.network(FeatureBatch(golden.features), evaluation)
      let spread = all.softmax(logarithm: true)
      for index in golden.features.indices {
        let expected = try NumpyFile(path: "\(golden.directory)/logits-\(index).npy")
        #expect(expected.shape == [segments.range(index).count, model.vocabulary.count])
        let ours = spread.rowsView(segments.range(index)).copy().values
        let worst = Golden.relativeError(ours, expected.values)
        #expect(worst < 1e-5, "utterance \(index): \(worst)")
      }
    }
  }

  private func training(_ golden: Case, _ model: AcousticModel) -> GoldenTraining {
    GoldenTraining(
      network: model.network, batch: FeatureBatch(golden.features), labels: golden.labels,
      facts: golden.facts)
  }

  @Test(arguments: cases) func lossAndEveryGradient(_ name: String) throws {
    let golden = try Case(name)
    try onEngine {
      let model = try golden.model()
      let trained = model.parameters.filter { $0.role != .statistic }
      try training(golden, model).expectGradients(
        trained, "\(golden.directory)/gradients.safetensors"
      ) {
        try GoldenTraining.gradients(trained) { name in
          model.network.sizes is FastConformerConfiguration
            ? FastConformerConfiguration.nemoName(name, decoder: "decoder") : name
        }
      }
    }
  }

  @Test(arguments: cases) func tenSteps(_ name: String) throws {
    let golden = try Case(name)
    try onEngine {
      let model = try golden.model()
      try training(golden, model).expectTenSteps(
        model.parameters.filter { $0.role != .statistic })
    }
  }
}

/// Archives that are not what they should be.
@Suite struct HostileNeMoTests {
  /// A folder with the golden archive's files, to be changed, and a function that packs and opens them.
  private func change(
    _ name: String, _ change: (String) throws -> Void
  ) throws -> IdiolectError? {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    func run(_ command: String) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", command]
      try process.run()
      process.waitUntilExit()
    }
    try run(
      "mkdir \(directory)/m && tar -x -f \(Golden.directory)/nemo/\(name)/model.nemo -C \(directory)/m"
    )
    try change("\(directory)/m")
    try run("tar -c -f \(directory)/x.nemo -C \(directory)/m .")
    do {
      try onEngine { _ = try AcousticModel(directory: "\(directory)/x.nemo") }
      return nil
    } catch let error as IdiolectError {
      #expect(error.message.hasPrefix("\(directory)/x.nemo"), "\(error.message)")
      return error
    }
  }

  @Test func unchangedOpens() throws { #expect(try change("conformer") { _ in } == nil) }

  @Test(arguments: [
    ("n_heads: 4", "n_heads: 3", "num_attention_heads"),
    ("rel_pos", "abs_pos", "self_attention_model"),
    ("  - -1\n  - -1", "  - 64\n  - 0", "att_context_size"),
    ("d_model: 16", "d_model: x", "d_model"),
    ("ConformerEncoder", "SqueezeformerEncoder", "_target_"),
    ("n_layers: 2", "n_layers: 3", "missing"),
    ("normalize: per_feature", "normalize: all_features", "normalize"),
    ("log: true", "log: false", "preprocessor.log"),
    ("type: bpe", "type: wpe", "tokenizer.type"),
    ("window: hann", "window: hamming", "preprocessor.window"),
    ("ff_expansion_factor: 2", "ff_expansion_factor: 99999999999", "ff_expansion_factor"),
    ("n_fft: 512", "n_fft: 100", "windowLength"), ("encoder:", "encoder: [", "model_config.yaml"),
    ("subsampling_factor: 4", "subsampling_factor: 3", "subsampling_factor"),
    ("tokenizer.model", "absent.model", "has no tokenizer"),
  ])
  func settings(_ old: String, _ new: String, _ named: String) throws {
    let error = try change("conformer") { directory in
      let path = "\(directory)/model_config.yaml"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text.contains(old))
      try text.replacing(old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
    }
    #expect(error?.message.contains(named) == true, "\(error?.message ?? "it opens")")
  }

  @Test func filesThatAreMissing() throws {
    for file in ["model_config.yaml", "model_weights.ckpt"] {
      let error = try change("conformer") {
        try FileManager.default.removeItem(atPath: "\($0)/\(file)")
      }
      #expect(error?.message.contains(file) == true)
    }
    let error = try change("conformer") { directory in
      for name in try FileManager.default.contentsOfDirectory(atPath: directory)
      where name.hasSuffix(".model") {
        try Data("no model".utf8).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
      }
    }
    #expect(error?.message.contains("SentencePiece") == true)
  }
}
