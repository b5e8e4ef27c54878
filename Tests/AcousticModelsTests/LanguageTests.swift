import AcousticFeatures
import AcousticModels
import Basics
import Foundation
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// A network with several languages beside it, laid out as MMS.
@Suite struct LanguageTests {
  private func written() throws -> String {
    let directory = try Golden.temporaryDirectory()
    var configuration = Wav2Vec2Configuration()
    configuration.hiddenSize = 16
    (configuration.layerCount, configuration.headCount, configuration.intermediateSize) = (2, 2, 24)
    configuration.convolutionChannels = .init(repeating: 4, count: 7)
    (configuration.positionKernel, configuration.positionGroups) = (8, 2)
    (configuration.isStable, configuration.adapterWidth) = (true, 3)
    configuration.extractorNorm = .layer
    let frontEnd = FrontEndConfiguration.waveform(WaveformConfiguration())
    try onEngine {
      let model = try AcousticModel(
        random: configuration, seed: 1,
        vocabulary: Vocabulary(labels: ["<pad>"] + " abcd".map { String($0) }, blank: 0),
        frontEnd: frontEnd, normalizer: TextNormalizer())
      try model.write(to: directory)
      // Another language: other adapters, and more letters.
      let other = try AcousticModel(
        random: configuration, seed: 2,
        vocabulary: Vocabulary(labels: ["<pad>"] + " abcdéè".map { String($0) }, blank: 0),
        frontEnd: frontEnd, normalizer: TextNormalizer())
      let own = other.parameters.filter {
        $0.name.hasPrefix("lm_head.") || $0.name.contains(".adapter_layer.")
      }
      try SafetensorsWriter.write(
        own.map { parameter in
          SafetensorsTensor(parameter.name, shape: parameter.tensor.shape) {
            parameter.tensor.values
          }
        }, to: "\(directory)/adapter.fra.safetensors")
    }
    for file in ["tokenizer.json", "tokenizer_config.json"] {
      try? FileManager.default.removeItem(atPath: "\(directory)/\(file)")
    }
    try AtomicFile.write(
      #"{"eng": {"<pad>": 0, "|": 1, "a": 2, "b": 3, "c": 4, "d": 5}, "fra": {"<pad>": 0, "|": 1, "a": 2, "b": 3, "c": 4, "d": 5, "é": 6, "è": 7}}"#,
      to: "\(directory)/vocab.json")
    try AtomicFile.write(
      #"{"target_lang": "eng", "pad_token": "<pad>", "word_delimiter_token": "|", "unk_token": null}"#,
      to: "\(directory)/tokenizer_config.json")
    return directory
  }

  @Test func chosen() throws {
    let directory = try written()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    #expect(LanguageAdapters.languages(in: directory) == ["fra"])
    try onEngine {
      let english = try AcousticModel(directory: directory)
      let french = try AcousticModel(directory: directory, language: "fra")
      #expect(english.vocabulary.count == 6 && french.vocabulary.count == 8)
      #expect(french.vocabulary.blank == 0 && french.network.sizes.labelCount == 8)
      func values(_ model: AcousticModel, _ name: String) throws -> [Float] {
        try #require(model.parameters.first { $0.name == name }).tensor.values
      }
      let adapter = "wav2vec2.encoder.layers.1.adapter_layer.linear_1.weight"
      #expect(try values(english, adapter) != values(french, adapter))
      let shared = "wav2vec2.encoder.layers.1.attention.q_proj.weight"
      #expect(try values(english, shared) == values(french, shared))
      // What is written has that language alone.
      try french.write(to: "\(directory)/alone")
      let alone = try AcousticModel(directory: "\(directory)/alone")
      #expect(try values(alone, adapter) == values(french, adapter))
      #expect(alone.vocabulary == french.vocabulary)
    }
  }

  @Test(arguments: ["deu", "../fra", "", "fra/x"]) func missing(_ language: String) throws {
    let directory = try written()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let error = #expect(throws: IdiolectError.self) {
      try onEngine { try AcousticModel(directory: directory, language: language) }
    }
    #expect(error?.code == .notFound && error?.message.contains("fra") == true)
  }
}
