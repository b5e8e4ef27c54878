import Basics
import CKernels

/// The label sequence of the most probable path: the best label of each frame, with repeats merged and
/// blanks dropped.
///
/// Of equal logits the first label wins.
public struct GreedyDecoder: Sendable {
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

  /// Decodes each segment of packed logits `[rows, labels]`; frame numbers count from its first row.
  ///
  /// - Throws: `invalidData` when a valid frame has no largest finite logit.
  public func callAsFunction(
    logits: UnsafeBufferPointer<Float>, segments: [PackedSegment]
  ) throws -> [[DecodedLabel]] {
    precondition(
      logits.count % labels == 0, "\(logits.count) logits are not rows of \(labels) labels")
    let rows = logits.count / labels
    var best = [Int32](repeating: 0, count: rows)
    var posterior = [Float](repeating: 0, count: rows)
    try onEngine { ck_ctc_best_labels(logits.baseAddress, rows, labels, &best, &posterior) }
    return try segments.map { segment in
      precondition(
        segment.firstRow <= rows && segment.rows <= rows - segment.firstRow,
        "segment of \(segment.rows) rows at row \(segment.firstRow): not in \(rows) rows")
      return try collapse(best, posterior, segment)
    }
  }

  /// Decodes one utterance, logits `[frames, labels]`.
  public func callAsFunction(logits: UnsafeBufferPointer<Float>) throws -> [DecodedLabel] {
    let frames = logits.count / labels
    return try self(
      logits: logits, segments: [PackedSegment(firstRow: 0, rows: frames, frames: frames)])[0]
  }

  private func collapse(
    _ best: [Int32], _ posterior: [Float], _ segment: PackedSegment
  ) throws -> [DecodedLabel] {
    var decoded: [DecodedLabel] = []
    var start = 0
    while start < segment.frames {
      let label = best[segment.firstRow + start]
      var end = start
      var sum: Float = 0
      while end < segment.frames, best[segment.firstRow + end] == label {
        sum += posterior[segment.firstRow + end]
        end += 1
      }
      guard sum.isFinite else {
        throw IdiolectError(
          .invalidData,
          "the network's output between frames \(start) and \(end) is not a number: "
            + "check the audio and the weights")
      }
      if Int(label) != blank {
        decoded.append(
          DecodedLabel(
            label: Int(label), startFrame: start, endFrame: end,
            confidence: sum / Float(end - start)))
      }
      start = end
    }
    return decoded
  }
}
