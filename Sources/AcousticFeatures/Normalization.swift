/// Gives each bin mean 0 and deviation 1 over the first `frames` frames, in place.
///
/// Sums are in double precision, so that a bin that never changes (digital silence) becomes 0 and not
/// rounding noise divided by `offset`.
///
/// - Parameters:
///   - values: `[≥ frames, bins]`.
///   - offset: added to the deviation.
func normalizePerFeature(_ values: inout [Float], frames: Int, bins: Int, offset: Double) {
  precondition(frames >= 2, "a deviation over \(frames) frames")
  var mean = [Double](repeating: 0, count: bins)
  var square = [Double](repeating: 0, count: bins)
  values.withUnsafeMutableBufferPointer { values in
    for frame in 0..<frames {
      let row = UnsafeMutableBufferPointer(rebasing: values[(frame * bins)..<((frame + 1) * bins)])
      for bin in 0..<bins { mean[bin] += Double(row[bin]) }
    }
    for bin in 0..<bins { mean[bin] /= Double(frames) }
    for frame in 0..<frames {
      let row = UnsafeMutableBufferPointer(rebasing: values[(frame * bins)..<((frame + 1) * bins)])
      for bin in 0..<bins {
        let difference = Double(row[bin]) - mean[bin]
        square[bin] += difference * difference
      }
    }
    let scale = square.map { 1 / ((($0 / Double(frames - 1)).squareRoot()) + offset) }
    for frame in 0..<frames {
      let row = UnsafeMutableBufferPointer(rebasing: values[(frame * bins)..<((frame + 1) * bins)])
      for bin in 0..<bins { row[bin] = Float((Double(row[bin]) - mean[bin]) * scale[bin]) }
    }
  }
}
