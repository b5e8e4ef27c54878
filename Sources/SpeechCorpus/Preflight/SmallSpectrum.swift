import Foundation

/// The power spectrum of 512 samples, for a rough look at a recording.
///
/// Features come from the front end's own transform; this one only asks how far up there is sound.
struct SmallSpectrum {
  static let size = 512
  /// Bands from 0 Hz to half the sample rate.
  static let bands = size / 2

  private let window: [Float]
  private let cosines: [Float]
  private let sines: [Float]
  private let reversed: [Int]

  init() {
    let size = Self.size
    let angle = { (index: Int) in 2 * Double.pi * Double(index) / Double(size) }
    window = (0..<size).map { Float(0.5 - 0.5 * cos(angle($0))) }
    cosines = (0..<size / 2).map { Float(cos(angle($0))) }
    sines = (0..<size / 2).map { Float(-sin(angle($0))) }
    let bits = size.trailingZeroBitCount
    reversed = (0..<size).map { index in
      (0..<bits).reduce(0) { $0 | ((index >> $1) & 1) << (bits - 1 - $1) }
    }
  }

  /// Adds the power of `samples` (`[size]`) to `power` (`[bands]`), by the transform of Cooley and
  /// Tukey.
  func add(_ samples: ArraySlice<Float>, to power: inout [Double]) {
    let size = Self.size
    precondition(samples.count == size && power.count == Self.bands)
    var real = [Float](repeating: 0, count: size)
    var imaginary = [Float](repeating: 0, count: size)
    for index in 0..<size {
      real[reversed[index]] = samples[samples.startIndex + index] * window[index]
    }
    var half = 1
    while half < size {
      let stride = size / (2 * half)
      for start in Swift.stride(from: 0, to: size, by: 2 * half) {
        for k in 0..<half {
          let (c, s) = (cosines[k &* stride], sines[k &* stride])
          let (upper, lower) = (start &+ k, start &+ k &+ half)
          let re = real[lower] * c - imaginary[lower] * s
          let im = real[lower] * s + imaginary[lower] * c
          real[lower] = real[upper] - re
          imaginary[lower] = imaginary[upper] - im
          real[upper] += re
          imaginary[upper] += im
        }
      }
      half *= 2
    }
    for band in 0..<Self.bands {
      power[band] += Double(real[band] * real[band] + imaginary[band] * imaginary[band])
    }
  }
}
