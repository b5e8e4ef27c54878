import AcousticFeatures
import AcousticModels
import Basics
import Foundation
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// `config.json` with any of its settings replaced by anything: it opens, or the file is named.
@Suite struct HostileConfigurationTests {
  static let cases = [
    "wav2vec2/group", "wav2vec2/adapters", "wav2vec2/data2vec", "wav2vec2/wavlm", "wav2vec2/sew",
    "wav2vec2/conformer-rotary", "wav2vec2/shrinking", "wav2vec2/bert-shrinking",
    "parakeet/four", "wavenet/causal",
  ]
  private static let values: [JSONValue] = [
    -1, 0, 1, 3, 1_048_576, .integer(.max), .number(0.5), .number(1e300), "x", .null, [], [:],
    [1, -7], .bool(true),
  ]

  @Test(arguments: cases) func anySetting(_ name: String) throws {
    let golden = "\(Golden.directory)/\(name)"
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    try FileManager.default.copyItem(
      atPath: "\(golden)/model.safetensors", toPath: "\(copy)/model.safetensors")
    let config = try #require(JSONNode(path: "\(golden)/config.json").value?.object)
    let preset: FeaturePreset =
      name.hasSuffix("bert-shrinking")
      ? .wav2vec2Bert : name.hasPrefix("wav2vec2") ? .wav2vec2 : .wavenet
    let frontEnd =
      name.hasPrefix("parakeet")
      ? FrontEndConfiguration.logMel(LogMelConfiguration()) : preset.configuration()
    for (file, data) in try frontEnd.modelFiles() {
      try data.write(to: URL(fileURLWithPath: "\(copy)/\(file)"))
    }
    let labels = config["vocab_size"]?.integer ?? 32
    let vocabulary = JSONObject(
      (0..<labels).map {
        (
          $0 == config["pad_token_id"]?.integer ? "<pad>" : "\(UnicodeScalar(97 + $0)!)",
          .integer($0)
        )
      })
    try JSONValue.object(vocabulary).text().write(
      toFile: "\(copy)/vocab.json", atomically: true, encoding: .utf8)
    func open(_ object: JSONObject) throws {
      try JSONValue.object(object).text().write(
        toFile: "\(copy)/config.json", atomically: true, encoding: .utf8)
      try onEngine { _ = try AcousticModel(directory: copy) }
    }
    try open(config)
    func attempt(_ object: JSONObject, _ what: String) throws {
      do { try open(object) } catch let error as IdiolectError {
        #expect(error.message.hasPrefix(copy), "\(what): \(error.message)")
        #expect(!error.message.contains("\n"), "\(what): \(error.message)")
      }
    }
    for key in config.keys {
      for value in Self.values {
        var object = config
        object[key] = value
        try attempt(object, "\(key) = \(value.text(.compact))")
        // Parakeet's encoder has its own.
        guard let inner = config[key]?.object, value == 0 else { continue }
        for nested in inner.keys {
          for value in Self.values {
            var changed = inner
            changed[nested] = value
            object[key] = .object(changed)
            try attempt(object, "\(key).\(nested) = \(value.text(.compact))")
          }
        }
      }
    }
  }
}
