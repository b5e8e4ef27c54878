import Basics
import CKernels

/// Where in time each label of a known target is said: the most probable path that spells it (Viterbi).
public struct ForcedAlignment: Sendable {
  /// Every label of the target in order, each with the frames that the path spends on it; frames of no
  /// label are blank.
  public let labels: [DecodedLabel]
  /// Mean over all frames of the softmax probability of the symbol on the path; 0 without frames.
  public let confidence: Float

  /// Aligns `target` to one utterance.
  ///
  /// Of equally probable paths the one that moves on earlier wins.
  ///
  /// - Parameters:
  ///   - target: label indices, without blanks.
  ///   - logits: `[frames, labels]`, not normalised.
  ///   - labels: the number of output symbols, blank included.
  ///   - name: what an error calls the utterance.
  /// - Throws: `invalidData` when no alignment exists or a label is not in the vocabulary.
  /// - Complexity: O(frames · (labels + target)) time, O(frames · target) bytes.
  public init(
    of target: [Int32], to logits: UnsafeBufferPointer<Float>, labels: Int, blank: Int, name: String
  ) throws {
    precondition(
      labels > 0 && 0 <= blank && blank < labels && logits.count % labels == 0,
      "\(logits.count) logits, blank \(blank) of \(labels) labels")
    try checkTarget(target, labels: labels, blank: blank, name: name)
    let frames = logits.count / labels
    var path = [Int32](repeating: 0, count: frames)
    var posterior = [Float](repeating: 0, count: frames)
    let status = try onEngine {
      ck_ctc_align(
        logits.baseAddress, frames, labels, blank, target, target.count, &path, &posterior)
    }
    if let reason = try CTCExclusion(status: status, name: name, frames: frames, target: target) {
      throw IdiolectError(.invalidData, "\(name) cannot be aligned: \(reason)")
    }

    var aligned: [DecodedLabel] = []
    var start = 0
    while start < frames {
      var end = start
      var sum: Float = 0
      while end < frames, path[end] == path[start] {
        sum += posterior[end]
        end += 1
      }
      if path[start] % 2 == 1 {
        aligned.append(
          DecodedLabel(
            label: Int(target[Int(path[start] / 2)]), startFrame: start, endFrame: end,
            confidence: sum / Float(end - start)))
      }
      start = end
    }
    self.labels = aligned
    confidence = frames == 0 ? 0 : posterior.reduce(0, +) / Float(frames)
  }
}
