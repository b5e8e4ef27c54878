extension SoundOverview {
  /// The waveform in the `x`-th of `width` pixels: one line, which joins the pixel's before.
  ///
  /// - Parameter width: no less than `columns`; where it is more, each column is one sample.
  package func waveform(at x: Int, of width: Int) -> ClosedRange<Float> {
    guard columns < width else {
      let before = max(0, x - 1)
      return min(least[x], greatest[before])...max(greatest[x], least[before])
    }
    // A sample lies in the middle of its pixels, and the line goes straight to the next.
    let edges = [x, x + 1].map { Double($0) * Double(columns) / Double(width) - 0.5 }
    let peaks = stride(from: edges[0].rounded(.up), through: edges[1], by: 1)
    let values = (edges + peaks).map(sample(at:))
    return values.min()!...values.max()!
  }

  /// Between samples, and at the ends that of the nearest.
  private func sample(at place: Double) -> Float {
    let place = min(max(0, place), Double(columns - 1))
    let before = greatest[Int(place)]
    let after = greatest[min(Int(place) + 1, columns - 1)]
    return before + (after - before) * Float(place - place.rounded(.down))
  }
}
