import Basics
import CKernels

/// The connectionist temporal classification loss, from logits, with its gradient.
///
/// For logits x, softmax y and a target l, the loss is -ln Σ_π Π_t y[t, π_t] over all paths π that
/// become l when repeats are merged and blanks dropped. Its gradient with respect to x[t, v] is
/// y[t, v] - (posterior probability that the path is at v in frame t).
///
/// Computed in float64 with an exponent for every state, so it is exact for any finite logits.
///
/// Reference: Graves, Fernández, Gomez, Schmidhuber, ICML 2006.
public struct CTCLoss: Sendable {
  /// The number of output symbols, blank included.
  public let labels: Int
  /// The blank's index.
  public let blank: Int

  public init(labels: Int, blank: Int) {
    precondition(
      labels > 0 && labels <= Int(Int32.max) && 0 <= blank && blank < labels,
      "blank \(blank) of \(labels) labels")
    self.labels = labels
    self.blank = blank
  }

  /// Computes the loss of every utterance and, given room for it, the gradient.
  ///
  /// - Parameters:
  ///   - logits: `[rows, labels]`, not normalised.
  ///   - utterances: their segments ascend and do not overlap.
  ///   - policy: what becomes of an utterance that cannot be aligned.
  ///   - gradient: `[rows, labels]`, overwritten: the gradient of `CTCLossResult.weightedLoss` with
  ///     respect to the logits; zero in padding, between segments and for excluded utterances.
  /// - Throws: `invalidData` naming the utterance when a target holds a label that is the blank or not
  ///   in the vocabulary, or, under `.fail`, when an utterance has no loss. The gradient is then
  ///   undefined.
  /// - Complexity: O(frames · (labels + target)) for each utterance; utterances run in parallel, and
  ///   the result does not depend on the number of threads.
  public func callAsFunction(
    logits: UnsafeBufferPointer<Float>, utterances: [CTCUtterance], policy: CTCExclusionPolicy,
    gradient: UnsafeMutableBufferPointer<Float>? = nil
  ) throws -> CTCLossResult {
    let gaps = gaps(between: utterances.map(\.segment), elements: logits.count)
    if let gradient {
      precondition(
        gradient.count == logits.count,
        "gradient has \(gradient.count) elements, logits have \(logits.count)")
    }
    for utterance in utterances {
      try checkTarget(utterance.target, labels: labels, blank: blank, name: utterance.name)
    }

    var losses = [Double](repeating: .infinity, count: utterances.count)
    var statuses = [Int32](repeating: 0, count: utterances.count)
    let targets = utterances.flatMap(\.target)
    try onEngine {
      targets.withUnsafeBufferPointer { targets in
        var next = 0
        let items = utterances.map { utterance in
          defer { next += utterance.target.count }
          return ck_ctc_utterance(
            first_row: utterance.segment.firstRow, rows: utterance.segment.rows,
            frames: utterance.segment.frames, target: targets.baseAddress.map { $0 + next },
            target_count: utterance.target.count, weight: utterance.weight)
        }
        ck_ctc_loss(
          logits.baseAddress, labels, blank, items, items.count, &losses, &statuses,
          gradient?.baseAddress)
      }
    }
    if let gradient {
      for gap in gaps { gradient[gap].update(repeating: 0) }
    }
    return try result(utterances, losses: losses, statuses: statuses, policy: policy)
  }

  private func result(
    _ utterances: [CTCUtterance], losses: [Double], statuses: [Int32], policy: CTCExclusionPolicy
  ) throws -> CTCLossResult {
    var kept: [Double?] = []
    var excluded: [CTCLossResult.Excluded] = []
    var weighted = 0.0
    for (index, utterance) in utterances.enumerated() {
      guard
        let reason = try CTCExclusion(
          status: statuses[index], name: utterance.name, frames: utterance.segment.frames,
          target: utterance.target)
      else {
        kept.append(losses[index])
        weighted += utterance.weight * losses[index]
        continue
      }
      if policy == .fail {
        throw IdiolectError(.invalidData, "\(utterance.name) has no CTC loss: \(reason)")
      }
      kept.append(nil)
      excluded.append(.init(index: index, name: utterance.name, reason: reason))
    }
    return CTCLossResult(losses: kept, excluded: excluded, weightedLoss: weighted)
  }

  /// The elements that belong to no segment.
  private func gaps(between segments: [PackedSegment], elements: Int) -> [Range<Int>] {
    precondition(elements % labels == 0, "\(elements) logits are not rows of \(labels) labels")
    let rows = elements / labels
    var gaps: [Range<Int>] = []
    var next = 0
    for segment in segments {
      precondition(
        segment.firstRow >= next && segment.firstRow <= rows
          && segment.rows <= rows - segment.firstRow,
        "segment of \(segment.rows) rows at row \(segment.firstRow): not in \(rows) rows, or overlaps"
      )
      gaps.append(next * labels..<segment.firstRow * labels)
      next = segment.firstRow + segment.rows
    }
    gaps.append(next * labels..<elements)
    return gaps.filter { !$0.isEmpty }
  }
}

/// Refuses a target with the blank in it or a label that the network does not have.
func checkTarget(_ target: [Int32], labels: Int, blank: Int, name: String) throws {
  for label in target where label < 0 || Int(label) >= labels || Int(label) == blank {
    let what = Int(label) == blank ? "the blank" : "not in the network's \(labels)"
    throw IdiolectError(
      .invalidData,
      "\(name): label \(label) of its transcript is \(what): the vocabulary is not this network's")
  }
}

extension CTCExclusion {
  /// What a kernel's status means; nil when all is well.
  init?(status: Int32, name: String, frames: Int, target: [Int32]) throws {
    switch Int(status) {
    case CK_CTC_OK: return nil
    case CK_CTC_TOO_SHORT:
      self = .tooShort(frames: frames, required: CTCUtterance.requiredFrames(target))
    case CK_CTC_NOT_FINITE: self = .notFinite
    case CK_CTC_IMPOSSIBLE: self = .impossible
    default:
      throw IdiolectError(
        .unsupported,
        "\(name): no memory for the CTC recursion over \(frames) frames and \(target.count) labels")
    }
  }
}
