/// Rows of several streams side by side, as each of them gets there.
struct JoinedStream {
  private let parts: [FeatureStream]
  private let rows: JoinedRows
  /// Rows of each part that are needed yet, and the place of the first of them.
  private var waiting: [(rows: FrameMatrix, first: Int)]
  private var next = 0

  init(_ parts: [FeatureStream]) {
    self.parts = parts
    rows = JoinedRows(hops: parts.map(\.hopSeconds))
    waiting = parts.map { (FrameMatrix(frames: 0, bins: $0.bins), 0) }
  }

  /// The part that measures something of the whole recording; no rows are made then.
  var measuring: FeatureStream? { parts.first { $0.measured != nil } }

  /// The rows that every part has with these samples, or with no more of them.
  mutating func push(_ samples: [Float], isEnd: Bool) throws -> [Float] {
    for (index, part) in parts.enumerated() {
      waiting[index].rows.append(try part.push(samples, isEnd: isEnd))
    }
    let ready = rows.frames(waiting.map { $0.first + $0.rows.frames })
    var result: [Float] = []
    for frame in next..<max(next, ready) {
      for (index, part) in waiting.enumerated() {
        result += part.rows.row(rows.row(frame, of: index) - part.first)
      }
    }
    next = max(next, ready)
    for index in parts.indices {
      let (have, first) = (waiting[index].rows.frames, waiting[index].first)
      let spare = min(rows.row(next, of: index) - first, have)
      waiting[index].rows.removeFirst(spare)
      waiting[index].first += spare
    }
    return result
  }
}
