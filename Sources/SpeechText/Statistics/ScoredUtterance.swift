/// Errors of one utterance and whose it is, for statistics over a test set.
public struct ScoredUtterance: Sendable, Hashable {
  public var counts: ErrorCounts
  public var speaker: String?

  public init(counts: ErrorCounts, speaker: String? = nil) {
    self.counts = counts
    self.speaker = speaker
  }
}
