import CKernels

/// Triangular filters from a power spectrum to mel bands, stored without their zeros.
struct MelBank: Sendable {
  let bands: Int
  /// Power bins that must be readable: a few more than the spectrum has, which must hold finite numbers.
  let paddedBins: Int
  // Band b reads the power bins `starts[b]...` against `weights[offsets[b] ..< offsets[b + 1]]`, whose
  // length is padded with zeros to a multiple of eight.
  private let starts: [Int32]
  private let offsets: [Int32]
  private let weights: [Float]

  /// - Parameter dense: weights, one row of `[fftLength / 2 + 1]` a band.
  init(dense: [[Float]]) {
    var starts: [Int32] = []
    var offsets: [Int32] = [0]
    var weights: [Float] = []
    for row in dense {
      let first = row.firstIndex { $0 != 0 } ?? 0
      let last = row.lastIndex { $0 != 0 } ?? -1
      let count = last - first + 1
      starts.append(Int32(first))
      if count > 0 { weights += row[first...last] }
      weights += [Float](repeating: 0, count: (8 - count % 8) % 8)
      offsets.append(Int32(weights.count))
    }
    bands = dense.count
    paddedBins = (dense.first?.count ?? 0) + 8
    self.starts = starts
    self.offsets = offsets
    self.weights = weights
  }

  /// - Parameters:
  ///   - power: `[paddedBins]`.
  ///   - output: gets `[bands]`.
  func apply(_ power: AlignedReals<Float>, into output: UnsafeMutablePointer<Float>) {
    ck_bands(power.pointer, starts, offsets, weights, bands, output)
  }
}
