import Foundation

/// Triangular filters from a power spectrum to mel bands, stored without their zeros.
struct MelBank: Sendable {
  let bands: Int
  /// Power bins that must be readable: a few more than the spectrum has, which must hold finite numbers.
  let paddedBins: Int
  // Band b reads the power bins `starts[b]...` against `weights[offsets[b] ..< offsets[b + 1]]`, whose
  // length is padded with zeros to a multiple of eight.
  private let starts: [Int]
  private let offsets: [Int]
  private let weights: [Float]

  /// - Parameter dense: weights, one row of `[fftLength / 2 + 1]` a band.
  init(dense: [[Float]]) {
    var starts: [Int] = []
    var offsets = [0]
    var weights: [Float] = []
    for row in dense {
      let first = row.firstIndex { $0 != 0 } ?? 0
      let last = row.lastIndex { $0 != 0 } ?? -1
      let count = last - first + 1
      starts.append(first)
      if count > 0 { weights += row[first...last] }
      weights += [Float](repeating: 0, count: (8 - count % 8) % 8)
      offsets.append(weights.count)
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
  func apply(_ power: AlignedFloats, into output: UnsafeMutablePointer<Float>) {
    let power = UnsafeRawPointer(power.pointer)
    weights.withUnsafeBytes { weights in
      for band in 0..<bands {
        var sum = SIMD8<Float>.zero
        var bin = starts[band] &* 4
        for index in stride(from: offsets[band] &* 4, to: offsets[band &+ 1] &* 4, by: 32) {
          sum +=
            power.loadUnaligned(fromByteOffset: bin, as: SIMD8<Float>.self)
            * weights.loadUnaligned(fromByteOffset: index, as: SIMD8<Float>.self)
          bin &+= 32
        }
        output[band] = sum.sum()
      }
    }
  }

  /// Slaney's bands with unit area: mel is linear below 1,000 Hz and logarithmic above.
  ///
  /// As librosa's `filters.mel` and transformers' `mel_filter_bank` with `norm="slaney"`.
  static func slaney(
    bands: Int, fftLength: Int, sampleRate: Int, lowHz: Double, highHz: Double
  ) -> MelBank {
    let low = slaneyMel(lowHz)
    let step = (slaneyMel(highHz) - low) / Double(bands + 1)
    let edges = (0..<(bands + 2)).map { slaneyHz(low + step * Double($0)) }
    let bins = fftLength / 2 + 1
    return MelBank(
      dense: (0..<bands).map { band in
        let (left, centre, right) = (edges[band], edges[band + 1], edges[band + 2])
        return (0..<bins).map { bin in
          let frequency = Double(bin) * Double(sampleRate) / Double(fftLength)
          let rise = (frequency - left) / (centre - left)
          let fall = (right - frequency) / (right - centre)
          return Float(max(0, min(rise, fall)) * 2 / (right - left))
        }
      })
  }

  /// Kaldi's bands: triangles in mel, of height 1, over all bins but the last.
  static func kaldi(
    bands: Int, fftLength: Int, sampleRate: Int, lowHz: Double, highHz: Double
  ) -> MelBank {
    func mel(_ hertz: Double) -> Double { 1127 * log(1 + hertz / 700) }
    let low = mel(lowHz)
    let step = (mel(highHz) - low) / Double(bands + 1)
    return MelBank(
      dense: (0..<bands).map { band in
        let left = low + Double(band) * step
        let (centre, right) = (left + step, left + 2 * step)
        return (0...(fftLength / 2)).map { bin in
          let place = mel(Double(bin) * Double(sampleRate) / Double(fftLength))
          guard bin < fftLength / 2, place > left, place < right else { return 0 }
          return Float(place <= centre ? (place - left) / step : (right - place) / step)
        }
      })
  }

  private static func slaneyMel(_ hertz: Double) -> Double {
    hertz < 1000 ? hertz * 3 / 200 : 15 + 27 * log(hertz / 1000) / log(6.4)
  }

  private static func slaneyHz(_ mel: Double) -> Double {
    mel < 15 ? mel * 200 / 3 : 1000 * exp(log(6.4) / 27 * (mel - 15))
  }
}
