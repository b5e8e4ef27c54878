public import AcousticFeatures
public import TensorEngine

/// Features of several utterances, padded with zeros to the longest.
public struct FeatureBatch {
  /// [batch, frames, bins]
  public let values: Tensor
  /// The frames of each utterance.
  public let frames: [Int]
  /// How many of them count; the others are zero.
  public let valid: [Int]

  /// The frames that count, one utterance after another: [rows, bins].
  var packed: Tensor {
    let (longest, bins) = (values.shape[1], values.shape[2])
    let result = Tensor(uninitialised: [valid.reduce(0, +), bins])
    var place = 0
    for (index, count) in valid.enumerated() {
      (result.pointer + place).update(
        from: values.pointer + index * longest * bins, count: count * bins)
      place += count * bins
    }
    return result
  }

  /// - Parameter keepsInvalidFrames: whether an utterance's trailing frames that do not count are kept
  ///   and run through the network, as transformers does; they cannot reach the others.
  public init(_ features: [Features], keepsInvalidFrames: Bool = false) {
    precondition(!features.isEmpty, "a batch needs an utterance")
    let bins = features[0].bins
    frames = features.map { keepsInvalidFrames ? $0.frames : $0.validFrames }
    valid = features.map(\.validFrames)
    let longest = frames.max()!
    values = Tensor(repeating: 0, shape: [features.count, longest, bins])
    for (index, utterance) in features.enumerated() {
      precondition(utterance.bins == bins, "features of \(bins) and \(utterance.bins) bins")
      utterance.values.withUnsafeBufferPointer {
        (values.pointer + index * longest * bins).update(
          from: $0.baseAddress!, count: frames[index] * bins)
      }
    }
  }
}
