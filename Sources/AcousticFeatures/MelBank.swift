import CKernels

/// Triangular filters from a power spectrum to mel bands, stored without their zeros.
struct MelBank: Sendable {
  let bands: Int
  /// Power bins that must be readable: a few more than the spectrum has, which must hold finite numbers.
  let paddedBins: Int
  // As `ck_bands` wants them.
  private let starts: Table<Int32>
  private let widths: Table<Int32>
  private let weights: Table<Float>

  /// - Parameter dense: weights, one row of `[fftLength / 2 + 1]` a band.
  init(dense: [[Float]]) {
    let points = dense.first?.count ?? 0
    let spans = dense.map { row in
      (row.firstIndex { $0 != 0 } ?? 0)..<((row.lastIndex { $0 != 0 } ?? -1) + 1)
    }
    let eights = stride(from: 0, to: dense.count, by: 8).map { $0..<min($0 + 8, dense.count) }
    let widths = eights.map { (spans[$0].map(\.count).max()! + 7) / 8 }
    let readable = max(points + 8, 8 * (widths.max() ?? 0))
    var starts: [Int] = []
    var weights: [Float] = []
    for (eight, width) in zip(eights, widths) {
      // Where so many bins would pass the end, a band begins below its first one.
      let own = eight.map { min(spans[$0].lowerBound, readable - 8 * width) }
      starts += own + [Int](repeating: 0, count: 8 - own.count)
      for part in 0..<width {
        for place in 0..<8 {
          for bin in 0..<8 {
            let point = place < own.count ? own[place] + 8 * part + bin : points
            weights.append(point < points ? dense[eight.lowerBound + place][point] : 0)
          }
        }
      }
    }
    bands = dense.count
    paddedBins = readable
    self.starts = Table(starts.map { Int32($0) })
    self.widths = Table(widths.map { Int32($0) })
    self.weights = Table(weights)
  }

  /// The tables, valid as long as the bank.
  var pointers: Pointers {
    Pointers(
      bands: bands, starts: starts.pointer, widths: widths.pointer, weights: weights.pointer)
  }

  struct Pointers {
    fileprivate let bands: Int
    fileprivate let starts, widths: UnsafePointer<Int32>
    fileprivate let weights: UnsafePointer<Float>

    /// - Parameters:
    ///   - power: `[paddedBins]`.
    ///   - output: gets `[bands]`.
    func apply(_ power: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
      ck_bands(power, starts, widths, weights, bands, output)
    }
  }
}
