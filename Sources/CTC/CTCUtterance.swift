/// The rows of one utterance in packed logits `[rows, labels]`, where utterances lie one after another.
public struct PackedSegment: Sendable, Hashable {
  /// The index of its first row.
  public var firstRow: Int
  /// How many rows it owns.
  public var rows: Int
  /// How many of them, from the first, are output frames; the rest is padding.
  public var frames: Int

  public init(firstRow: Int, rows: Int, frames: Int) {
    precondition(
      firstRow >= 0 && frames >= 0 && rows >= frames,
      "segment at row \(firstRow) has \(rows) rows and \(frames) frames")
    self.firstRow = firstRow
    self.rows = rows
    self.frames = frames
  }

  /// Segments without padding, one after another.
  public static func packed(frames: [Int]) -> [PackedSegment] {
    var next = 0
    return frames.map { count in
      defer { next += count }
      return PackedSegment(firstRow: next, rows: count, frames: count)
    }
  }
}

/// One utterance as the CTC loss sees it.
public struct CTCUtterance: Sendable {
  /// What messages call it.
  public var name: String
  public var segment: PackedSegment
  /// The labels to be found in it, without blanks.
  public var target: [Int32]
  /// Factor on its gradient, and on its share of `CTCLossResult.weightedLoss`.
  public var weight: Double

  public init(name: String, segment: PackedSegment, target: [Int32], weight: Double = 1) {
    self.name = name
    self.segment = segment
    self.target = target
    self.weight = weight
  }

  /// The fewest output frames in which `target` can be said: its labels, and a blank between each two
  /// that are equal.
  public static func requiredFrames(_ target: some Collection<Int32>) -> Int {
    target.count + zip(target, target.dropFirst()).count { $0 == $1 }
  }
}
