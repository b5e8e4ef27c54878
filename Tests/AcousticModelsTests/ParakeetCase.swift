import AcousticFeatures
import AcousticModels
import Basics
import TensorEngine
import TestSupport

/// One of the networks under Tests/Golden/parakeet, with what transformers computed from it.
final class ParakeetCase {
  let directory: String
  let facts: JSONNode
  let frames: Int
  let validFrames: [Int]
  let validOutputFrames: [Int]
  let labels: [[Int]]
  /// The running statistics of the network that was made last.
  private(set) var statistics: [Parameter] = []

  init(_ name: String) throws {
    directory = "\(Golden.directory)/parakeet/\(name)"
    facts = try JSONNode(path: "\(directory)/case.json")
    frames = try facts["frames"].int()
    validFrames = try facts["valid_frames"].ints()
    validOutputFrames = try facts["valid_output_frames"].ints()
    labels = try facts["labels"].array().map { try $0.ints() }
  }

  func array(_ name: String) throws -> NumpyFile { try NumpyFile(path: "\(directory)/\(name).npy") }

  func network() throws -> FastConformer { try trainable().network }

  /// The network, and those of its parameters that train.
  func trainable(liveStatistics: Bool = false) throws -> (
    network: FastConformer, parameters: [Parameter]
  ) {
    let configuration = try FastConformerConfiguration(JSONNode(path: "\(directory)/config.json"))
    let store = try WeightStore(directory: directory)
    let source = ParameterSource { name, _ in
      name.hasSuffix("num_batches_tracked") ? nil : try store.readFloats(name)
    }
    let network = try FastConformer(configuration, from: source)
    for norm in network.batchNorms { norm.usesLiveStatistics = liveStatistics }
    statistics = source.parameters.filter { $0.role == .statistic }
    let parameters = source.parameters.filter { $0.role != .statistic }
    for parameter in parameters { parameter.tensor.requiresGradient = true }
    return (network, parameters)
  }

  /// Each utterance as transformers saw it alone: its frames, of which some may be masked.
  func features() throws -> [Features] {
    let all = try array("input_features")
    let (longest, bins) = (all.shape[1], all.shape[2])
    let alone = try facts["alone"].array().map { try $0["frames"].int() }
    return alone.enumerated().map { index, frames in
      let start = index * longest * bins
      return Features(
        frames: frames, bins: bins, validFrames: validFrames[index],
        values: Array(all.values[start..<start + frames * bins]))
    }
  }

  /// Clips of one length.
  func liveBatch() throws -> FeatureBatch {
    let all = try array("live-input_features")
    let (frames, bins) = (all.shape[1], all.shape[2])
    return FeatureBatch(
      (0..<all.shape[0]).map { index in
        Features(
          frames: frames, bins: bins, validFrames: frames,
          values: Array(all.values[index * frames * bins..<(index + 1) * frames * bins]))
      })
  }

  func batch() throws -> FeatureBatch { FeatureBatch(try features()) }
}
