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

  private func model(_ golden: GoldenCase) throws -> AcousticModel {
    try AcousticModel(directory: "\(golden.directory)/model.nemo")
  }

  @Test(arguments: cases) func featuresAndLabels(_ name: String) throws {
    let golden = try GoldenCase("nemo/\(name)")
    try onEngine {
      let model = try model(golden)
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

  /// The pieces' own file in place of `tokenizer.json`, as some publish their models.
  @Test(arguments: ["conformer", "citrinet"]) func piecesBesideTheWeights(_ name: String) throws {
    let golden = try GoldenCase("nemo/\(name)")
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    try onEngine {
      let model = try model(golden)
      try model.write(to: copy)
      try FileManager.default.removeItem(atPath: "\(copy)/tokenizer.json")
      try ChildProcess.shell(
        "tar -xO -f \(golden.directory)/model.nemo --wildcards '*tokenizer.model' > \(copy)/tokenizer.model"
      )
      let again = try AcousticModel(directory: copy)
      #expect(again.vocabulary.labels == model.vocabulary.labels)
      #expect(again.vocabulary.blank == model.vocabulary.blank)
      for (index, text) in try golden.facts["texts"].strings().enumerated() {
        #expect(again.vocabulary.encode(text).ids == golden.labels[index])
      }
      try Data("no pieces".utf8).write(to: URL(fileURLWithPath: "\(copy)/tokenizer.model"))
      let error = #expect(throws: IdiolectError.self) { try AcousticModel(directory: copy) }
      #expect(error?.message.hasPrefix("\(copy)/tokenizer.model: ") == true)
    }
  }

  @Test(arguments: cases) func logits(_ name: String) throws {
    let golden = try GoldenCase("nemo/\(name)")
    try onEngine {
      try golden.expectLogits(model(golden).network, isSpread: true)
    }
  }

  @Test(arguments: cases) func lossAndEveryGradient(_ name: String) throws {
    let golden = try GoldenCase("nemo/\(name)")
    try onEngine {
      let model = try model(golden)
      let trained = model.parameters.filter { $0.role != .statistic }
      try golden.training(model.network).expectGradients(
        trained, "\(golden.directory)/gradients.safetensors"
      ) { try nemoGradients(trained, model) }
    }
  }

  @Test(arguments: cases) func tenSteps(_ name: String) throws {
    let golden = try GoldenCase("nemo/\(name)")
    try onEngine {
      let model = try model(golden)
      try golden.training(model.network).expectTenSteps(
        model.parameters.filter { $0.role != .statistic })
    }
  }
}

/// What NeMo's networks become when they are written.
@Suite struct NeMoRoundTripTests {
  @Test(arguments: [
    ("fastconformer", "FastConformer-CTC", "parakeet_ctc", "ParakeetForCTC"),
    ("conformer", "Conformer-CTC", "nemo-conformer-ctc", "ConformerEncoderForCTC"),
    ("quartznet", "QuartzNet", "nemo-conv-asr", "ConvASREncoderForCTC"),
    ("citrinet", "Citrinet", "nemo-conv-asr", "ConvASREncoderForCTC"),
  ])
  func roundTrip(_ name: String, _ family: String, _ type: String, _ architecture: String) throws {
    let golden = try GoldenCase("nemo/\(name)")
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    try onEngine {
      let model = try AcousticModel(directory: "\(golden.directory)/model.nemo")
      #expect(model.network.sizes.family.hasPrefix("\(family) ("))
      try model.write(to: copy)
      let config = try JSONNode(path: "\(copy)/config.json")
      #expect(try config["model_type"].string() == type)
      #expect(try config["architectures"].strings() == [architecture])
      let again = try AcousticModel(directory: copy)
      #expect(again.network.sizes.family == model.network.sizes.family)
      #expect(again.network.sizes.json == model.network.sizes.json)
      let evaluation = Pass(training: false, precision: .float32)
      #expect(
        again.network(FeatureBatch(golden.features), evaluation).logits.values
          == model.network(FeatureBatch(golden.features), evaluation).logits.values)
    }
  }
}

/// Gradients by the names that NeMo has.
func nemoGradients(_ trained: [Parameter], _ model: AcousticModel) throws -> [String: [Float]] {
  try GoldenTraining.gradients(trained) { name in
    model.network.sizes is FastConformerConfiguration
      ? FastConformerConfiguration.nemoName(name, decoder: "decoder") : name
  }
}

/// Archives that are not what they should be.
@Suite struct HostileNeMoTests {
  /// A folder with the golden archive's files, to be changed, and a function that packs and opens them.
  private func change(
    _ name: String, _ change: (String) throws -> Void, opened: (AcousticModel) -> Void = { _ in }
  ) throws -> IdiolectError? {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try ChildProcess.shell(
      "mkdir \(directory)/m && tar -x -f \(Golden.directory)/nemo/\(name)/model.nemo -C \(directory)/m"
    )
    try change("\(directory)/m")
    try ChildProcess.shell("tar -c -f \(directory)/x.nemo -C \(directory)/m .")
    do {
      opened(try onEngine { try AcousticModel(directory: "\(directory)/x.nemo") })
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

  /// Sections as older versions of NeMo wrote them: settings under `params`, what they are for under `cls` or `_target_`.
  @Test(
    arguments: ["fastconformer", "conformer", "quartznet", "citrinet"], ["cls", "_target_"])
  func olderLayout(_ name: String, _ key: String) throws {
    let golden = try GoldenCase("nemo/\(name)")
    var model: AcousticModel?
    let error = try change(name) { directory in
      let path = "\(directory)/model_config.yaml"
      let value = try JSONValue(yaml: Data(contentsOf: URL(fileURLWithPath: path)))
      var config = try #require(value.object)
      for section in ["preprocessor", "encoder", "decoder"] {
        var settings = try #require(config[section]?.object)
        let target = try #require(settings["_target_"])
        settings["_target_"] = nil
        config[section] = .object([key: target, "params": .object(settings)])
      }
      // JSON is YAML.
      try AtomicFile.write(JSONValue.object(config).text(), to: path)
    } opened: {
      model = $0
    }
    #expect(error == nil, "\(error?.message ?? "")")
    let older = try #require(model)
    try onEngine {
      try golden.expectLogits(older.network, isSpread: true)
      let today = try AcousticModel(directory: "\(golden.directory)/model.nemo")
      #expect(older.frontEnd.fingerprint == today.frontEnd.fingerprint)
      #expect(older.vocabulary == today.vocabulary)
      #expect(older.network.sizes.json == today.network.sizes.json)
    }
  }

  /// Contexts in a list of one are that one; of several, or others than all, none is guessed.
  @Test(arguments: [
    ("  - - -1\n    - -1", true), ("  - - 64\n    - 0", false),
    ("  - - -1\n    - -1\n  - - 64\n    - 0", false),
  ])
  func contexts(_ list: String, _ opens: Bool) throws {
    let error = try change("conformer") { directory in
      let path = "\(directory)/model_config.yaml"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try text.replacing("  - -1\n  - -1", with: list).write(
        toFile: path, atomically: true, encoding: .utf8)
    }
    #expect((error == nil) == opens, "\(error?.message ?? "it opens")")
    if !opens { #expect(error?.message.contains("att_context_size") == true) }
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

  /// Damaged copies, plain and compressed, are opened or refused by name.
  @Test(arguments: ["quartznet", "conformer"], [false, true])
  func damage(_ name: String, _ isCompressed: Bool) throws {
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    let path = "\(copy)/x.nemo"
    var whole = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: "\(Golden.directory)/nemo/\(name)/model.nemo")))
    if isCompressed {
      let source = "\(Golden.directory)/nemo/\(name)/model.nemo"
      try ChildProcess.shell("gzip -c \(source) > \(path)")
      whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    var random = SeededRandom(seed: 1)
    for round in 0..<250 {
      var bytes = whole
      if round % 5 == 0 { bytes.removeLast(random.integer(below: bytes.count)) }
      for _ in 0..<(bytes.isEmpty ? 0 : 1 + round % 8) {
        bytes[random.integer(below: bytes.count)] ^= 1 << UInt8(random.integer(below: 8))
      }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do {
        try onEngine { _ = try AcousticModel(directory: path) }
      } catch let error as IdiolectError {
        #expect(error.message.hasPrefix(path), "\(error.message)")
      }
    }
  }

  /// Damaged pieces alone.
  @Test func damagedPieces() throws {
    let whole = [UInt8](
      try ChildProcess.shell(
        "tar -xO -f \(Golden.directory)/nemo/conformer/model.nemo --wildcards '*tokenizer.model'"
      ).output)
    var random = SeededRandom(seed: 1)
    var opened = 0
    for round in 0..<1000 {
      var bytes = whole
      if round % 5 == 0 { bytes.removeLast(random.integer(below: bytes.count)) }
      for _ in 0..<(bytes.isEmpty ? 0 : 1 + round % 4) {
        bytes[random.integer(below: bytes.count)] ^= 1 << UInt8(random.integer(below: 8))
      }
      do {
        let vocabulary = try Vocabulary(sentencePiece: Data(bytes), name: "x.model")
        opened += 1
        _ = vocabulary.decode(vocabulary.encode("what is said").ids)
      } catch let error as IdiolectError {
        #expect(error.message.hasPrefix("x.model"), "\(error.message)")
      }
    }
    #expect(opened > 0)
  }
}
