import AcousticFeatures
package import AcousticModels
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

  package static func make(seed: UInt64 = 1) throws -> AcousticModel {
    try AcousticModel(
      random: configuration, seed: seed,
      vocabulary: Vocabulary(characters: characters.unicodeScalars))
  }
}
