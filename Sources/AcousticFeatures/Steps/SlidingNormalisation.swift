/// Mean, and deviation if asked for, of a window around each frame taken away: Kaldi's `apply-cmvn-sliding`.
public struct SlidingNormalisation: Sendable, Codable, Hashable {
  /// In frames.
  public var window = 600
  /// Frames that an uncentred window waits for at the beginning: no more than it holds.
  public var minimum = 100
  /// Whether the window lies around the frame; otherwise before it, and then it holds one frame more.
  public var isCentred = false
  public var scalesVariance = false

  public init() {}

  var reach: (before: Int, after: Int) {
    isCentred ? (window, window) : (window, minimum)
  }

  private func range(_ frame: Int, _ frames: Int) -> Range<Int> {
    var (begin, end) =
      isCentred ? (frame - window / 2, frame - window / 2 + window) : (frame - window, frame + 1)
    if begin < 0 { (begin, end) = (0, end - begin) }
    if !isCentred && end > frame { end = max(frame + 1, minimum) }
    if end > frames { (begin, end) = (max(0, begin - (end - frames)), frames) }
    return begin..<end
  }

  func apply(_ matrix: FrameMatrix) -> FrameMatrix {
    var result = matrix
    // Sums up to each frame: exact enough in double precision, and no window is added up twice.
    var sums = [Double](repeating: 0, count: (matrix.frames + 1) * matrix.bins)
    var squares = sums
    for frame in 0..<matrix.frames {
      for bin in 0..<matrix.bins {
        let (now, next) = (frame * matrix.bins + bin, (frame + 1) * matrix.bins + bin)
        let value = Double(matrix[frame, bin])
        sums[next] = sums[now] + value
        squares[next] = squares[now] + value * value
      }
    }
    for frame in 0..<matrix.frames {
      let range = range(frame, matrix.frames)
      let count = Double(range.count)
      for bin in 0..<matrix.bins {
        let (low, high) = (
          range.lowerBound * matrix.bins + bin, range.upperBound * matrix.bins + bin
        )
        let mean = (sums[high] - sums[low]) / count
        var value = Double(matrix[frame, bin]) - mean
        if scalesVariance {
          let variance = (squares[high] - squares[low]) / count - mean * mean
          // One frame has no deviation.
          value = range.count == 1 ? 0 : value / max(variance, 1e-10).squareRoot()
        }
        result[frame, bin] = Float(value)
      }
    }
    return result
  }
}
