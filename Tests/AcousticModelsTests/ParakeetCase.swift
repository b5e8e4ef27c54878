import AcousticFeatures
import AcousticModels
import Basics
import TensorEngine
import TestSupport

/// One of the networks under Tests/Golden/parakeet, with what transformers computed from it.
struct ParakeetCase {
  let directory: String
  let facts: JSONNode
  let frames: Int
  let validFrames: [Int]
  let validOutputFrames: [Int]
  let labels: [[Int]]

  init(_ name: String) throws {
    directory = "\(Golden.directory)/parakeet/\(name)"
    facts = try JSONNode(path: "\(directory)/case.json")
    frames = try facts["frames"].int()
    validFrames = try facts["valid_frames"].ints()
    validOutputFrames = try facts["valid_output_frames"].ints()
    labels = try facts["labels"].array().map { try $0.ints() }
  }

  func array(_ name: String) throws -> NumpyFile { try NumpyFile(path: "\(directory)/\(name).npy") }

  func network() throws -> FastConformer {
    let configuration = try FastConformerConfiguration(JSONNode(path: "\(directory)/config.json"))
    let store = try WeightStore(directory: directory)
    return try FastConformer(
      configuration,
      from: ParameterSource { name, _ in
        name.hasSuffix("num_batches_tracked") ? nil : try store.readFloats(name)
      })
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

  func batch() throws -> FeatureBatch { FeatureBatch(try features()) }
}
