import Basics
import Foundation

/// Frames of a recording in Kaldi's convention, and the band energies of each: what filterbank and
/// cepstral features share.
struct KaldiFrames: Sendable {
  let configuration: KaldiFrameConfiguration
  let usesPower: Bool
  let usesRawEnergy: Bool
  /// Logarithm of the least energy.
  let logEnergyFloor: Float
  let mel: MelBank
  private let fft: RealFFT
  private let window: [Float]

  init(
    _ configuration: KaldiFrameConfiguration, mel: KaldiMelConfiguration, usesPower: Bool,
    usesRawEnergy: Bool, energyFloor: Double
  ) {
    self.configuration = configuration
    self.usesPower = usesPower
    self.usesRawEnergy = usesRawEnergy
    logEnergyFloor = energyFloor > 0 ? Float(Foundation.log(energyFloor)) : -.infinity
    self.mel = mel.bank(for: configuration)
    fft = RealFFT.ofLength(configuration.fftLength)
    window = configuration.window.values(length: configuration.length)
  }

  /// The frames in so many samples.
  func count(samples: Int) -> Int {
    let (length, shift) = (configuration.length, configuration.shift)
    if configuration.snipsEdges { return samples < length ? 0 : 1 + (samples - length) / shift }
    return samples <= 0 ? 0 : (samples + shift / 2) / shift
  }

  private var minimumSamples: Int {
    configuration.snipsEdges ? configuration.length : configuration.shift - configuration.shift / 2
  }

  /// The features that `body` makes of each frame's band energies.
  ///
  /// - Parameter body: gets the energies `[bands]`, the frame's logarithmic energy, and the place for `[bins]`.
  /// - Throws: `.invalidAudio` where there are no frames or the features are not finite.
  func features(
    of samples: [Float], bins: Int,
    _ body: (_ bands: UnsafeMutablePointer<Float>, _ logEnergy: Float, UnsafeMutablePointer<Float>)
      -> Void
  ) throws -> Features {
    let frames = count(samples: samples.count)
    guard frames > 0 else {
      throw tooShort(
        samples: samples.count, minimum: minimumSamples, sampleRate: configuration.sampleRate)
    }
    let values = [Float](unsafeUninitializedCapacity: frames * bins) { output, count in
      let raw = AlignedFloats(count: configuration.length)
      let frame = AlignedFloats(count: configuration.fftLength)
      let spectrum = AlignedFloats(count: configuration.fftLength + 2)
      let power = AlignedFloats(count: max(mel.paddedBins, configuration.fftLength))
      let bands = AlignedFloats(count: mel.bands)
      samples.withUnsafeBufferPointer { samples in
        for index in 0..<frames {
          extract(index, of: samples, into: raw.pointer)
          var energy = usesRawEnergy ? sumOfSquares(raw.pointer, configuration.length) : 0
          emphasize(raw.pointer, into: frame.pointer)
          if !usesRawEnergy { energy = sumOfSquares(frame.pointer, configuration.length) }
          fft.power(of: frame, spectrum: spectrum, into: power)
          if !usesPower {
            for bin in 0...(configuration.fftLength / 2) { power.pointer[bin].formSquareRoot() }
          }
          mel.apply(power, into: bands.pointer)
          let logEnergy = max(log(max(energy, .ulpOfOne)), logEnergyFloor)
          body(bands.pointer, logEnergy, output.baseAddress! + index * bins)
        }
      }
      count = frames * bins
    }
    guard values.allSatisfy(\.isFinite) else { throw notFinite() }
    return Features(frames: frames, bins: bins, validFrames: frames, values: values)
  }

  /// Copies one frame's samples, scaled, dithered and without their mean.
  private func extract(
    _ index: Int, of samples: UnsafeBufferPointer<Float>, into raw: UnsafeMutablePointer<Float>
  ) {
    let (length, shift) = (configuration.length, configuration.shift)
    let scale: Float = configuration.scalesToInt16 ? 32_768 : 1
    let start = configuration.snipsEdges ? index * shift : index * shift + shift / 2 - length / 2
    if start >= 0, start + length <= samples.count {
      let source = samples.baseAddress! + start
      for i in 0..<length { raw[i] = source[i] * scale }
    } else {
      for i in 0..<length { raw[i] = samples[mirrored(start + i, count: samples.count)] * scale }
    }
    if configuration.dither > 0 {
      var random = SeededRandom(seed: 0, index)
      for i in 0..<length { raw[i] += Float(configuration.dither) * random.normal() }
    }
    if configuration.removesOffset {
      var sum = 0.0
      for i in 0..<length { sum += Double(raw[i]) }
      let mean = Float(sum / Double(length))
      for i in 0..<length { raw[i] -= mean }
    }
  }

  /// Pre-emphasis and window; what lies beyond the window in `frame` stays 0.
  private func emphasize(
    _ raw: UnsafeMutablePointer<Float>, into frame: UnsafeMutablePointer<Float>
  ) {
    let preemphasis = Float(configuration.preemphasis)
    window.withUnsafeBufferPointer { window in
      frame[0] = (raw[0] - preemphasis * raw[0]) * window[0]
      for i in 1..<configuration.length {
        frame[i] = (raw[i] - preemphasis * raw[i &- 1]) * window[i]
      }
    }
  }

  /// The place inside 0 ..< `count` that a place beyond the ends is a mirror image of.
  private func mirrored(_ place: Int, count: Int) -> Int {
    let folded = place % (2 * count)
    let positive = folded < 0 ? folded + 2 * count : folded
    return positive < count ? positive : 2 * count - 1 - positive
  }

  private func sumOfSquares(_ values: UnsafeMutablePointer<Float>, _ count: Int) -> Float {
    var sum = 0.0
    for index in 0..<count { sum += Double(values[index]) * Double(values[index]) }
    return Float(sum)
  }
}
