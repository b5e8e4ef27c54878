import Basics
public import SpeechText
import TensorEngine

extension AcousticModel {
  /// The same network with the output layer of another alphabet: rows of labels that both share are
  /// kept, related ones start from their kin, the rest begin at random.
  public func replacingLabels(_ transfer: LabelTransfer, seed: UInt64) throws -> AcousticModel {
    let own = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.tensor) })
    var configuration = network.sizes
    configuration.labelCount = transfer.vocabulary.count
    configuration.blank = transfer.vocabulary.blank
    var random = SeededRandom(seed: seed, 0x0007)
    let outputLayer = network.outputLayer.name
    let source = ParameterSource { name, shape in
      guard let tensor = own[name] else { return nil }
      guard name.hasPrefix("\(outputLayer).") else { return tensor.values }
      // New rows get the spread of the old ones, so that no label starts louder than the others.
      let old = tensor.values
      let width = shape.dropFirst().reduce(1, *)
      let spread = (old.reduce(0) { $0 + $1 * $1 } / Float(max(1, old.count))).squareRoot()
      let typical = width == 1 ? old.reduce(0, +) / Float(max(1, old.count)) : 0
      return transfer.origins.flatMap { origin in
        origin.base.map { Array(old[$0 * width..<($0 + 1) * width]) }
          ?? (0..<width).map { _ in width == 1 ? typical : random.normal() * spread }
      }
    }
    return try AcousticModel(
      configuration: configuration, source: source, vocabulary: transfer.vocabulary,
      frontEnd: frontEndConfiguration, normalizer: normalizer, record: record, path: path,
      language: language)
  }

  /// The same network without its upper encoder layers; the output layer reads what the topmost kept one
  /// gives.
  ///
  /// - Throws: `.invalidArgument` for more layers than there are, or none.
  public func keepingLayers(_ count: Int) throws -> AcousticModel {
    var configuration = network.sizes
    guard (1...configuration.layerCount).contains(count) else {
      throw IdiolectError(
        .invalidArgument,
        "\(count) encoder layers cannot be kept of \(configuration.layerCount); give a number from 1 to that"
      )
    }
    configuration.layerCount = count
    return try reshaped(configuration)
  }

  /// A network of other sizes with this one's values for each parameter that both have in one shape, random ones else.
  func reshaped(
    _ configuration: any NetworkConfiguration, seed: UInt64 = 0
  ) throws -> AcousticModel {
    let own = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.tensor) })
    return try AcousticModel(
      configuration: configuration,
      source: ParameterSource(seed: seed) { name, shape in
        own[name].flatMap { $0.shape == shape ? $0.values : nil }
      },
      vocabulary: vocabulary, frontEnd: frontEndConfiguration, normalizer: normalizer,
      record: record, path: path, language: language)
  }
}
