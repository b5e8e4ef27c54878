import AcousticFeatures
import AcousticModels
import Basics
import TensorEngine
import TestSupport
import Testing

/// A folder of golden data of a small random network: `case.json`, utterances as the network takes them, and what
/// the original made of each by itself.
struct GoldenCase {
  let directory: String
  /// `case.json`
  let facts: JSONNode
  /// By utterance.
  let labels: [[Int]]
  let features: [Features]

  /// - Parameters:
  ///   - name: of the folder, in that of all golden data.
  ///   - input: what the files of the utterances begin with.
  init(_ name: String, input: String = "features") throws {
    try self.init(directory: "\(Golden.directory)/\(name)", input: input)
  }

  init(directory: String, input: String) throws {
    self.directory = directory
    facts = try JSONNode(path: "\(directory)/case.json")
    labels = try facts["labels"].array().map { try $0.ints() }
    features = try labels.indices.map {
      try GoldenCase.features("\(directory)/\(input)-\($0).npy")
    }
  }

  /// [frames, bins], or [samples].
  static func features(_ path: String) throws -> Features {
    let file = try NumpyFile(path: path)
    let frames = file.shape[0]
    return Features(
      frames: frames, bins: file.values.count / frames, validFrames: frames, values: file.values)
  }

  /// The network that the folder's `config.json` and weights say.
  func network() throws -> (network: any AcousticNetwork, parameters: [Parameter]) {
    let store = try WeightStore(directory: directory)
    let source = ParameterSource { name, _ in
      name.hasSuffix("num_batches_tracked") ? [0] : try store.readFloats(name)
    }
    let network = try AcousticModel.configuration(JSONNode(path: "\(directory)/config.json"))
      .network(from: source)
    #expect(Set(source.parameters.map(\.name)) == Set(store.names))
    return (network, source.parameters)
  }

  /// All utterances in a batch give what the original makes of each.
  ///
  /// - Parameters:
  ///   - isSpread: whether the original's are logarithms of probabilities.
  ///   - bound: of the worst element, relative to the largest.
  func expectLogits(
    _ network: any AcousticNetwork, isSpread: Bool = false, within bound: Double = 1e-5
  ) throws {
    let (logits, segments) = network(
      FeatureBatch(features), Pass(training: false, precision: .float32))
    let all = isSpread ? logits.softmax(logarithm: true) : logits
    for index in features.indices {
      let expected = try NumpyFile(path: "\(directory)/logits-\(index).npy")
      #expect(expected.shape == [segments.range(index).count, network.sizes.labelCount])
      let worst = Golden.relativeError(
        all.rowsView(segments.range(index)).copy().values, expected.values)
      #expect(worst < bound, "utterance \(index): \(worst)")
    }
  }

  func training(
    _ network: any AcousticNetwork, pass: Pass = Pass(training: false, precision: .float32)
  ) -> GoldenTraining {
    GoldenTraining(
      network: network, batch: FeatureBatch(features), labels: labels, facts: facts, pass: pass)
  }
}
