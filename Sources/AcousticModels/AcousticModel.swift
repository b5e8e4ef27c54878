public import AcousticFeatures
package import Basics
public import SpeechText
public import TensorEngine

/// A network with all that turns recordings into its input and its output into text: what a model
/// directory holds.
public final class AcousticModel {
  package let network: any AcousticNetwork
  /// Every named tensor of the network, in its layers' order.
  public let parameters: [Parameter]
  public let vocabulary: Vocabulary
  public let frontEndConfiguration: FrontEndConfiguration
  public let frontEnd: any FrontEnd
  /// What reference text goes through, in training and in scoring.
  public let normalizer: TextNormalizer
  /// `adaptation.json`: lineage, scores and verdict; nil for a model from elsewhere.
  package let record: JSONValue?
  /// Where it was read from; nil for one made here.
  public let path: String?
  /// Whose adapter and output layer were taken, of a model that has several; nil for those in its own weights.
  public let language: String?

  package init(
    configuration: any NetworkConfiguration, source: ParameterSource, vocabulary: Vocabulary,
    frontEnd: FrontEndConfiguration, normalizer: TextNormalizer, record: JSONValue? = nil,
    path: String? = nil, language: String? = nil
  ) throws {
    self.frontEnd = try frontEnd.frontEnd()
    guard configuration.inputBins == self.frontEnd.bins else {
      throw IdiolectError(
        .invalidModel,
        "\(path ?? "model"): the network takes frames of \(configuration.inputBins), but its front end makes \(self.frontEnd.bins)"
      )
    }
    network = try configuration.network(from: source)
    parameters = source.parameters
    self.vocabulary = vocabulary
    frontEndConfiguration = frontEnd
    self.normalizer = normalizer
    self.record = record
    self.path = path
    self.language = language
  }

  /// A network with random weights for `vocabulary`.
  ///
  /// - Parameter configuration: sizes; its label count and blank are set from the vocabulary.
  public convenience init(
    random configuration: FastConformerConfiguration, seed: UInt64, vocabulary: Vocabulary,
    frontEnd: LogMelConfiguration = .init(), normalizer: TextNormalizer = .init()
  ) throws {
    var configuration = configuration
    configuration.melBins = frontEnd.melBins
    try self.init(
      random: configuration, seed: seed, vocabulary: vocabulary, frontEnd: .logMel(frontEnd),
      normalizer: normalizer)
  }

  /// A network of any family with random weights, its label count and blank those of the vocabulary.
  package convenience init(
    random configuration: any NetworkConfiguration, seed: UInt64, vocabulary: Vocabulary,
    frontEnd: FrontEndConfiguration, normalizer: TextNormalizer
  ) throws {
    var configuration = configuration
    configuration.labelCount = vocabulary.count
    configuration.blank = vocabulary.blank
    try configuration.validate(file: "network")
    try self.init(
      configuration: configuration, source: ParameterSource(seed: seed), vocabulary: vocabulary,
      frontEnd: frontEnd, normalizer: normalizer)
  }

  /// Seconds between output frames.
  public var outputHopSeconds: Double {
    frontEnd.hopSeconds * Double(network.sizes.subsamplingFactor)
  }

  /// Seconds between the frames that the layers work on.
  package var layerHopSeconds: Double {
    frontEnd.hopSeconds * Double(network.sizes.layerSubsamplingFactor)
  }

  /// The number of values in trainable tensors and statistics.
  public var parameterCount: Int {
    parameters.filter { $0.role != .statistic }.reduce(0) { $0 + $1.tensor.count }
  }

  /// Output frames that count, for a recording of so many samples at the front end's rate.
  public func outputFrames(samples: Int) -> Int {
    network.sizes.outputFrames(frontEnd.frameCount(samples: samples).valid)
  }
}
