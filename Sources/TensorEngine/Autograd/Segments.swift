package import CKernels

/// How utterances lie one after another in the rows of a packed tensor.
///
/// Nothing is spent on padding, and what is in a batch cannot reach another utterance.
public struct Segments: Sendable {
  /// Where each utterance begins, and after them all the number of rows: count + 1.
  public let offsets: [Int32]
  /// How many frames of each are speech rather than padding.
  public let valid: [Int32]

  public var count: Int { valid.count }
  public var rows: Int { Int(offsets.last ?? 0) }

  /// Utterances of `frames` rows each, of which `valid` count (all when nil).
  public init(frames: [Int], valid: [Int]? = nil) {
    let valid = valid ?? frames
    precondition(
      valid.count == frames.count && zip(valid, frames).allSatisfy { $0 >= 0 && $0 <= $1 },
      "of \(frames) frames cannot \(valid) be valid")
    var offsets: [Int32] = [0]
    for count in frames { offsets.append(offsets.last! + Int32(count)) }
    self.offsets = offsets
    self.valid = valid.map { Int32($0) }
  }

  /// Rows of the longest utterance.
  public var longest: Int { (0..<count).map { range($0).count }.max() ?? 0 }

  /// The rows of one utterance.
  public func range(_ index: Int) -> Range<Int> { Int(offsets[index])..<Int(offsets[index + 1]) }

  /// The rows of one utterance that count.
  public func validRange(_ index: Int) -> Range<Int> {
    Int(offsets[index])..<Int(offsets[index]) + Int(valid[index])
  }

  /// 1 for rows that count, 0 for the others; nil when all count.
  package var use: [UInt8]? {
    if (0..<count).allSatisfy({ range($0) == validRange($0) }) { return nil }
    var marks = [UInt8](repeating: 0, count: rows)
    for index in 0..<count {
      for row in validRange(index) { marks[row] = 1 }
    }
    return marks
  }

  package func withKernel<Result>(_ body: (ck_segments) -> Result) -> Result {
    offsets.withUnsafeBufferPointer { offsets in
      valid.withUnsafeBufferPointer { valid in
        body(ck_segments(count: count, offsets: offsets.baseAddress!, valid: valid.baseAddress))
      }
    }
  }
}
