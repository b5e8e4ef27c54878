/// Why an utterance has no CTC loss.
public enum CTCExclusion: Sendable, Hashable, CustomStringConvertible {
  /// Fewer output frames than its labels need.
  case tooShort(frames: Int, required: Int)
  /// A frame holds a NaN, +infinity, or nothing but -infinity.
  case notFinite
  /// Every alignment passes through a label whose logit is -infinity.
  case impossible

  public var description: String {
    switch self {
    case .tooShort(let frames, let required):
      "it has \(frames) output frames and its transcript needs \(required): check that the transcript "
        + "belongs to the audio, or use a network with less subsampling"
    case .notFinite:
      "the network's output is not a number: lower the learning rate, or check the audio and the weights"
    case .impossible:
      "the network rules its transcript out altogether: check for masked (-infinity) labels"
    }
  }
}

/// What to do with an utterance that has no CTC loss. There is no default: the caller chooses.
public enum CTCExclusionPolicy: Sendable, Hashable {
  /// Leave it out of sums, means and the gradient, and report it in `CTCLossResult.excluded`.
  case exclude
  /// Throw an error that names it.
  case fail
}

/// The losses of a batch, and which of its utterances have none.
public struct CTCLossResult: Sendable {
  public struct Excluded: Sendable, Hashable {
    /// Its place in the batch.
    public let index: Int
    public let name: String
    public let reason: CTCExclusion

    public init(index: Int, name: String, reason: CTCExclusion) {
      self.index = index
      self.name = name
      self.reason = reason
    }
  }

  /// Negative log-likelihood of each target, in nats, without the weight; nil for the excluded.
  public let losses: [Double?]
  /// The utterances without a loss, in the order of the batch.
  public let excluded: [Excluded]
  /// Sum of weight times loss over the included: what the gradient is the gradient of.
  public let weightedLoss: Double

  /// How many utterances have a loss.
  public var includedCount: Int { losses.count - excluded.count }

  /// Mean loss of the included utterances, unweighted; nil when there is none.
  public var meanLoss: Double? {
    includedCount == 0 ? nil : losses.reduce(0) { $0 + ($1 ?? 0) } / Double(includedCount)
  }
}
