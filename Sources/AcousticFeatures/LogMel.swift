import Basics
import Foundation

/// Logarithmic mel spectrogram in NeMo's convention: what Parakeet and FastConformer hear.
///
///     frame t is centred on sample t · hop, with zeros beyond both ends
///     y[i] = x[i] − 0.97 x[i − 1] → window → |FFT|² → Slaney mel → log(m + 2⁻²⁴)
///     each bin: (v − mean) / (deviation + 10⁻⁵) over the valid frames
///
/// As `ParakeetFeatureExtractor` of transformers gives one frame more than are valid, so does this:
/// n samples make `n / hop` valid frames and one of zeros.
public struct LogMel: FrontEnd {
  public let configuration: LogMelConfiguration
  public let fingerprint: String
  private let fft: RealFFT
  private let window: [Float]
  private let mel: MelBank

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public init(_ configuration: LogMelConfiguration = LogMelConfiguration()) throws {
    try configuration.validate()
    self.configuration = configuration
    fingerprint = stableFingerprint("log-mel", configuration)
    fft = RealFFT.ofLength(configuration.fftLength)
    window = configuration.window.values(length: configuration.windowLength)
    mel = MelBank.slaney(
      bands: configuration.melBins, fftLength: configuration.fftLength,
      sampleRate: configuration.sampleRate, lowHz: configuration.lowHz,
      highHz: configuration.highHz ?? Double(configuration.sampleRate) / 2)
  }

  public var sampleRate: Int { configuration.sampleRate }
  public var bins: Int { configuration.melBins }
  public var hopSeconds: Double {
    Double(configuration.hopLength) / Double(configuration.sampleRate)
  }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) {
    guard samples > 0 else { return (0, 0) }
    // An odd transform is padded by one sample less than its length.
    let valid = max(0, samples - configuration.fftLength % 2) / configuration.hopLength
    return (valid + 1, valid)
  }

  /// Normalisation needs two valid frames: 320 samples as NeMo has it.
  private var minimumSamples: Int {
    let frames = configuration.normalization == .perFeature ? 2 : 1
    return frames * configuration.hopLength + configuration.fftLength % 2
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    guard samples.count >= minimumSamples else {
      throw tooShort(samples: samples.count, minimum: minimumSamples, sampleRate: sampleRate)
    }
    let (total, valid) = frameCount(samples: samples.count)
    var values = [Float](unsafeUninitializedCapacity: total * bins) { buffer, count in
      samples.withUnsafeBufferPointer { spectrogram($0, frames: valid, into: buffer.baseAddress!) }
      (buffer.baseAddress! + valid * bins).initialize(repeating: 0, count: (total - valid) * bins)
      count = total * bins
    }
    if configuration.normalization == .perFeature {
      normalizePerFeature(&values, frames: valid, bins: bins, offset: configuration.deviationOffset)
    }
    guard values.allSatisfy(\.isFinite) else { throw notFinite() }
    return Features(frames: total, bins: bins, validFrames: valid, values: values)
  }

  /// Writes the logarithmic mel energies of frames 0 ..< `frames`: `[frames, bins]`.
  private func spectrogram(
    _ samples: UnsafeBufferPointer<Float>, frames: Int, into output: UnsafeMutablePointer<Float>
  ) {
    let length = configuration.windowLength
    let margin = (configuration.fftLength - length) / 2
    let preemphasis = Float(configuration.preemphasis)
    let logOffset = Float(configuration.logOffset)
    let frame = AlignedFloats(count: configuration.fftLength)
    let spectrum = AlignedFloats(count: configuration.fftLength + 2)
    let power = AlignedFloats(count: max(mel.paddedBins, configuration.fftLength))
    let inner = frame.pointer + margin
    window.withUnsafeBufferPointer { window in
      for index in 0..<frames {
        let start = index * configuration.hopLength - configuration.fftLength / 2 + margin
        if start >= 1, start + length <= samples.count {
          let current = samples.baseAddress! + start
          let previous = current - 1
          for i in 0..<length { inner[i] = (current[i] - preemphasis * previous[i]) * window[i] }
        } else {
          for i in 0..<length {
            let at = start + i
            let inside = at >= 0 && at < samples.count
            let previous = at >= 1 && inside ? samples[at - 1] : 0
            inner[i] = inside ? (samples[at] - preemphasis * previous) * window[i] : 0
          }
        }
        fft.power(of: frame, spectrum: spectrum, into: power)
        let row = output + index * bins
        mel.apply(power, into: row)
        for bin in 0..<bins { row[bin] = log(row[bin] + logOffset) }
      }
    }
  }
}
