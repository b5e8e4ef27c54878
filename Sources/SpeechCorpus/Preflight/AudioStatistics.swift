import Basics
import Foundation

/// What a look at every sample of a recording tells. Blocks are added as they are read.
struct AudioStatistics {
  let sampleRate: Int
  private(set) var samples = 0
  private(set) var peak: Float = 0
  /// Samples in runs of three or more at full scale.
  private(set) var clipped = 0
  /// Of the samples in 16 bits: two recordings with one fingerprint are one recording.
  var fingerprint: UInt64 { hash.value }
  private var hash = FNVHash()

  private var sum = 0.0
  private var squares = 0.0
  private var run = 0
  private var power = [Double](repeating: 0, count: SmallSpectrum.bands)
  private var pending: [Float] = []
  private let spectrum: SmallSpectrum

  init(sampleRate: Int, spectrum: SmallSpectrum) {
    self.sampleRate = sampleRate
    self.spectrum = spectrum
  }

  mutating func add(_ block: [Float]) {
    samples += block.count
    for sample in block {
      let size = abs(sample)
      peak = max(peak, size)
      sum += Double(sample)
      squares += Double(sample) * Double(sample)
      if size >= 0.999 {
        run += 1
        clipped += run == 3 ? 3 : run > 3 ? 1 : 0
      } else {
        run = 0
      }
      let level = Int64(max(-1, min(1, sample)) * 32_767)
      // Two bytes at once.
      hash.combine(UInt64(bitPattern: level))
    }
    pending += block
    var start = 0
    // Every second frame is enough.
    while pending.count - start >= 2 * SmallSpectrum.size {
      spectrum.add(pending[start..<start + SmallSpectrum.size], to: &power)
      start += 2 * SmallSpectrum.size
    }
    pending.removeFirst(start)
  }

  /// Seconds that were read.
  var seconds: Double { Double(samples) / Double(sampleRate) }

  /// Root mean square about the mean, so that a constant offset is silence.
  var deviation: Double {
    guard samples > 0 else { return 0 }
    let mean = sum / Double(samples)
    return max(0, squares / Double(samples) - mean * mean).squareRoot()
  }

  /// Where sound ends, in Hz: the top of the highest band within 60 dB of the loudest.
  ///
  /// A recording made at 8 kHz ends near 4,000 however it is stored. Nil for less than 64 ms at 16 kHz,
  /// and for silence.
  var bandwidth: Double? {
    let width = Double(sampleRate) / Double(SmallSpectrum.size)
    // Means over about 250 Hz; the lowest is mains hum and offset.
    let group = max(1, Int((250 / width).rounded()))
    let means = stride(from: 0, to: SmallSpectrum.bands - group + 1, by: group)
      .map { power[$0..<$0 + group].reduce(0, +) / Double(group) }
    guard let loudest = means.dropFirst().max(), loudest > 0 else { return nil }
    guard let last = means.lastIndex(where: { $0 > loudest * 1e-6 }) else { return nil }
    return min(Double((last + 1) * group) * width, Double(sampleRate) / 2)
  }
}
