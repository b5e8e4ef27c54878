import CKernels

/// Triangular filters from a power spectrum to mel bands, stored without their zeros.
struct MelBank: Sendable {
  let bands: Int
  /// Power bins that must be readable: a few more than the spectrum has, which must hold finite numbers.
  let paddedBins: Int
  // Band b reads the power bins `starts[b]...` against `weights[offsets[b] ..< offsets[b + 1]]`, whose
  // length is padded with zeros to a multiple of eight.
  private let starts: Table<Int32>
  private let offsets: Table<Int32>
  private let weights: Table<Float>

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
    self.starts = Table(starts)
    self.offsets = Table(offsets)
    self.weights = Table(weights)
  }

  /// The tables, valid as long as the bank.
  var pointers: Pointers {
    Pointers(
      bands: bands, starts: starts.pointer, offsets: offsets.pointer, weights: weights.pointer)
  }

  struct Pointers {
    fileprivate let bands: Int
    fileprivate let starts, offsets: UnsafePointer<Int32>
    fileprivate let weights: UnsafePointer<Float>

    /// - Parameters:
    ///   - power: `[paddedBins]`.
    ///   - output: gets `[bands]`.
    func apply(_ power: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
      ck_bands(power, starts, offsets, weights, bands, output)
    }
  }
}
