import AcousticFeatures
import AcousticModels
import Basics
import Foundation
import SpeechText
import TensorEngine

extension TinyModel {
  /// A tiny wav2vec 2.0 with adapters, laid out as MMS: English in its own weights, `fra` beside them.
  package static func writeLanguages(to directory: String) throws {
    var configuration = Wav2Vec2Configuration()
    configuration.hiddenSize = 16
    (configuration.layerCount, configuration.headCount, configuration.intermediateSize) = (2, 2, 24)
    configuration.convolutionChannels = .init(repeating: 4, count: 7)
    (configuration.positionKernel, configuration.positionGroups) = (8, 2)
    (configuration.isStable, configuration.adapterWidth) = (true, 3)
    configuration.extractorNorm = .layer
    func model(_ characters: String, seed: UInt64) throws -> AcousticModel {
      try AcousticModel(
        random: configuration, seed: seed,
        vocabulary: Vocabulary(labels: ["<pad>"] + characters.map { String($0) }, blank: 0),
        frontEnd: .waveform(WaveformConfiguration()), normalizer: TextNormalizer())
    }
    let (english, french) = (" abcd", " abcdéè")
    try onEngine {
      try model(english, seed: 1).write(to: directory)
      // Another language: other adapters, and more letters.
      let own = try model(french, seed: 2).parameters.filter {
        $0.name.hasPrefix("lm_head.") || BottleneckAdapter.owns($0)
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
    try writeVocabulary(["eng": english, "fra": french], to: directory)
    try AtomicFile.write(
      #"{"target_lang": "eng", "pad_token": "<pad>", "word_delimiter_token": "|", "unk_token": null}"#,
      to: "\(directory)/tokenizer_config.json")
  }

  /// `vocab.json` with the characters of several languages, each after a blank.
  package static func writeVocabulary(
    _ languages: [String: String], to directory: String
  ) throws {
    let entries = languages.mapValues { characters -> JSONValue in
      let labels = ["<pad>"] + characters.map { $0 == " " ? "|" : String($0) }
      return .object(JSONObject(labels.enumerated().map { ($1, .integer($0)) }))
    }
    try AtomicFile.write(
      JSONValue.object(JSONObject(entries.sorted { $0.key < $1.key }.map { ($0, $1) })).text(),
      to: "\(directory)/vocab.json")
  }
}
