/// The rows of one utterance in packed logits `[rows, labels]`, where utterances lie one after another.
package struct PackedSegment: Sendable, Hashable {
  /// The index of its first row.
  package var firstRow: Int
  /// How many rows it owns.
  package var rows: Int
  /// How many of them, from the first, are output frames; the rest is padding.
  package var frames: Int

  package init(firstRow: Int, rows: Int, frames: Int) {
    precondition(
      firstRow >= 0 && frames >= 0 && rows >= frames,
      "segment at row \(firstRow) has \(rows) rows and \(frames) frames")
    self.firstRow = firstRow
    self.rows = rows
    self.frames = frames
  }

  /// Segments without padding, one after another.
  package static func packed(frames: [Int]) -> [PackedSegment] {
    var next = 0
    return frames.map { count in
      defer { next += count }
      return PackedSegment(firstRow: next, rows: count, frames: count)
    }
  }
}

/// One utterance as the CTC loss sees it.
package struct CTCUtterance: Sendable {
  /// What messages call it.
  package var name: String
  package var segment: PackedSegment
  /// The labels to be found in it, without blanks.
  package var target: [Int32]
  /// Factor on its gradient, and on its share of `CTCLossResult.weightedLoss`.
  package var weight: Double

  package init(name: String, segment: PackedSegment, target: [Int32], weight: Double = 1) {
    self.name = name
    self.segment = segment
    self.target = target
    self.weight = weight
  }

  /// The fewest output frames in which `target` can be said: its labels, and a blank between each two
  /// that are equal.
  package static func requiredFrames(_ target: some Collection<Int32>) -> Int {
    target.count + zip(target, target.dropFirst()).count { $0 == $1 }
  }
}
