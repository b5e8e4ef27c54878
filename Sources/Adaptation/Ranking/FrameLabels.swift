import CTC

/// What is said at each time of an utterance, by a forced alignment.
struct FrameLabels {
  /// Where each label is said, in seconds, in order.
  private let spans: [(start: Double, end: Double, label: Int32)]
  /// A CTC network says a label in a frame or two of its sound: blanks up to so far from one are taken for it,
  /// in seconds, the others for silence.
  static let reach = 0.06

  init(_ alignment: ForcedAlignment, hopSeconds: Double) {
    spans = alignment.labels.map {
      (Double($0.startFrame) * hopSeconds, Double($0.endFrame) * hopSeconds, Int32($0.label))
    }
  }

  /// The label at the middle of each of `frames` frames; nil in silence.
  func labels(frames: Int, hopSeconds: Double) -> [Int32?] {
    var place = 0
    return (0..<frames).map { frame in
      let time = (Double(frame) + 0.5) * hopSeconds
      func distance(_ index: Int) -> Double {
        max(0, spans[index].start - time, time - spans[index].end)
      }
      guard !spans.isEmpty else { return nil }
      while place + 1 < spans.count, distance(place + 1) <= distance(place) { place += 1 }
      return distance(place) <= FrameLabels.reach ? spans[place].label : nil
    }
  }
}
