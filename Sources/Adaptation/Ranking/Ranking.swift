import AcousticModels
import Basics
import Foundation
public import SpeechCorpus

/// Which base, and how many of its layers, promises most for a target: by how well frames tell its labels
/// apart in the bases as they are.
public struct Ranking: Sendable {
  /// A base with its layers above `layers` dropped.
  public struct Candidate: Sendable {
    public let base: String
    public let layers: Int
    public let allLayers: Int
    /// The H-score of what the topmost kept layer gives, 0 … 1; nil where too few frames are labelled.
    public let score: Double?
    /// Its standard error, over parts of the utterances.
    public let error: Double?
  }

  public struct Base: Sendable {
    public let path: String
    /// The share of the target's characters that it has labels for.
    public let overlap: Double
    /// Of the untouched base; nil where too many characters lack a label.
    public let characterErrorRate: Double?
  }

  /// The most promising first.
  public let candidates: [Candidate]
  public let bases: [Base]
  public let utterances: Int
  public let frames: Int
  public let labels: Int
  /// Which base aligned the frames with labels, and what of a copy of it had to be trained for it.
  public let aligner: String
  /// How far from a label, in seconds, a blank is taken for it: a network says a label in a frame or two of its
  /// sound. What lies farther from any is taken for silence and left out.
  public let reachSeconds: Double
  public let seconds: Double
  public let quarantine: Quarantine

  /// How sure the first place is: the standard errors between the first and the second.
  public var lead: Double? {
    let scored = candidates.filter { $0.score != nil }
    guard scored.count >= 2, let first = scored[0].score, let second = scored[1].score,
      let one = scored[0].error, let other = scored[1].error
    else { return nil }
    let spread = (one * one + other * other).squareRoot()
    return spread > 0 ? (first - second) / spread : nil
  }
}
