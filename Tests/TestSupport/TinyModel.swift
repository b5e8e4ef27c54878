import AcousticFeatures
package import AcousticModels
import Basics
import Foundation
import SpeechText

/// A network small enough to make, write and run in a moment. Its weights are random: it hears nothing,
/// but always the same.
package enum TinyModel {
  /// A space, a to z, the apostrophe and the blank.
  package static let hiddenSize = 32
  package static let characters = " abcdefghijklmnopqrstuvwxyz'"

  package static var configuration: FastConformerConfiguration {
    var configuration = FastConformerConfiguration()
    configuration.hiddenSize = hiddenSize
    configuration.layerCount = 2
    configuration.headCount = 2
    configuration.intermediateSize = 64
    configuration.convolutionKernel = 5
    configuration.subsamplingFactor = 4
    configuration.subsamplingChannels = 8
    return configuration
  }

  /// Of samples: a wav2vec 2.0 with an output frame every 20 ms.
  package static func wav2vec2(seed: UInt64 = 1) throws -> AcousticModel {
    var configuration = Wav2Vec2Configuration()
    configuration.hiddenSize = hiddenSize
    configuration.layerCount = 2
    configuration.headCount = 2
    configuration.intermediateSize = 64
    configuration.convolutionChannels = .init(repeating: 8, count: 7)
    (configuration.positionKernel, configuration.positionGroups) = (16, 4)
    return try AcousticModel(
      random: configuration, seed: seed,
      vocabulary: Vocabulary(characters: characters.unicodeScalars),
      frontEnd: .waveform(WaveformConfiguration()), normalizer: TextNormalizer())
  }

  /// Of other families, by what their `config.json` says beside the sizes.
  package static let families: [String: String] = [
    "wavlm": #""model_type": "wavlm""#,
    "sew": #""model_type": "sew", "squeeze_factor": 2"#,
    "shrinking":
      #""model_type": "wav2vec2", "add_adapter": true, "num_adapter_layers": 1, "output_hidden_size": 12"#,
    "conformer": #""model_type": "wav2vec2-conformer", "conv_depthwise_kernel_size": 5"#,
    "bert":
      #""model_type": "wav2vec2-bert", "conv_depthwise_kernel_size": 5, "add_adapter": true"#,
  ]

  package static func family(_ name: String, seed: UInt64 = 1) throws -> AcousticModel {
    let strides = name == "sew" ? "5, 2, 2, 2, 2, 2, 1" : "5, 2, 2, 2, 2, 2, 2"
    let text = """
      {\(families[name]!), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
       "intermediate_size": 64, "conv_dim": [8, 8, 8, 8, 8, 8, 8], "conv_stride": [\(strides)],
       "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "num_conv_pos_embeddings": 16,
       "num_conv_pos_embedding_groups": 4, "vocab_size": 32}
      """
    let config = JSONNode(try JSONValue(parsing: Data(text.utf8)), file: "config.json")
    return try AcousticModel(
      random: AcousticModel.configuration(config), seed: seed,
      vocabulary: Vocabulary(characters: characters.unicodeScalars),
      frontEnd: name == "bert"
        ? FeaturePreset.wav2vec2Bert.configuration() : .waveform(WaveformConfiguration()),
      normalizer: TextNormalizer())
  }

  package static func make(seed: UInt64 = 1) throws -> AcousticModel {
    try AcousticModel(
      random: configuration, seed: seed,
      vocabulary: Vocabulary(characters: characters.unicodeScalars))
  }
}
