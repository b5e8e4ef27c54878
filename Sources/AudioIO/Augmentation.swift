public import Basics
import Foundation

/// The recording played faster or slower: pitch and length change together, as when a tape runs faster.
///
/// A factor of 1.1 makes n samples into n / 1.1. Deterministic.
///
/// - Parameters:
///   - samples: `[samples]`, mono.
///   - factor: 0.1 to 10; 0.9, 1 and 1.1 are usual in training.
///   - sampleRate: Hz.
/// - Throws: `.invalidArgument` for another factor.
///
/// Reference: Ko et al. 2015, "Audio augmentation for speech recognition".
public func changeSpeed(_ samples: [Float], factor: Float, sampleRate: Int) throws -> [Float] {
  guard factor >= 0.1, factor <= 10, sampleRate > 0 else {
    throw IdiolectError(
      .invalidArgument, "a speed factor of \(factor) at \(sampleRate) Hz; give one from 0.1 to 10")
  }
  // Through the decimal text, so that 1.1 is eleven tenths and not the nearest single.
  let exact = Double(factor.description) ?? Double(factor)
  return try resample(samples, from: Double(sampleRate) * exact, to: Double(sampleRate))
}

/// The samples louder (or softer) by so many decibels; not clipped.
public func changeGain(_ samples: [Float], decibels: Float) -> [Float] {
  let factor = pow(10, decibels / 20)
  return samples.map { $0 * factor }
}

/// The spectrum of a noise.
public enum NoiseColour: String, Sendable, Codable, Hashable, CaseIterable {
  /// Equal power at every frequency.
  case white
  /// Equal power in every octave: nearer to rooms and streets.
  case pink
}

/// The samples with noise added; the same random state gives the same noise.
///
/// - Parameters:
///   - samples: `[samples]`, mono.
///   - signalToNoiseDecibels: mean power of the samples over that of the noise. Silence gets none.
public func addNoise(
  _ samples: [Float], colour: NoiseColour, signalToNoiseDecibels: Float, random: inout SeededRandom
) -> [Float] {
  // The sum of four even draws is as good as normal to the ear, and needs no logarithm a sample.
  var noise = samples.map { _ in
    let bits = random.next()
    let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return Float(Int(sum) - 2 * 0xFFFF)
  }
  if colour == .pink { noise = pink(noise) }
  return addNoise(samples, noise, signalToNoiseDecibels: signalToNoiseDecibels)
}

/// The samples with as many of a noise added.
///
/// - Parameter signalToNoiseDecibels: mean power of the samples over that of the noise. Silence gets none.
public func addNoise(
  _ samples: [Float], _ noise: [Float], signalToNoiseDecibels: Float
) -> [Float] {
  func power(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) * Double($1) } }
  let noisePower = power(noise)
  guard noisePower > 0 else { return samples }
  let ratio = power(samples) / noisePower / pow(10, Double(signalToNoiseDecibels) / 10)
  let scale = Float(ratio.squareRoot())
  return zip(samples, noise).map { $0 + scale * $1 }
}

/// The recording as a telephone passes it on: nothing above 4 kHz. As many samples as before.
///
/// - Parameters:
///   - samples: `[samples]`, mono.
///   - sampleRate: Hz; at 8 kHz and below nothing changes.
///   - compands: whether samples become the nearest of 8 bits of µ-law (ITU-T G.711), full scale the loudest.
public func limitToTelephoneBand(
  _ samples: [Float], sampleRate: Int, compands: Bool = false
) throws -> [Float] {
  guard sampleRate > 8000 else { return samples }
  var narrow = try resample(samples, from: Double(sampleRate), to: 8000)
  if compands { narrow = companded(narrow) }
  let wide = try resample(narrow, from: 8000, to: Double(sampleRate))
  let missing = max(0, samples.count - wide.count)
  return Array(wide.prefix(samples.count)) + [Float](repeating: 0, count: missing)
}

/// To 8 bits of µ-law and back.
private func companded(_ samples: [Float]) -> [Float] {
  let peak = samples.reduce(0) { max($0, abs($1)) }
  guard peak > 0 else { return samples }
  return samples.map { sample in
    let code = (log(1 + 255 * abs(sample) / peak) / log(256) * 127).rounded()
    let size = (pow(256, code / 127) - 1) / 255 * peak
    return sample < 0 ? -size : size
  }
}

/// White noise through a filter that falls by 3 dB an octave (Paul Kellet's three poles, to 0.5 dB).
private func pink(_ white: [Float]) -> [Float] {
  var (low, middle, high): (Float, Float, Float) = (0, 0, 0)
  return white.map { sample in
    low = 0.99765 * low + sample * 0.099_046
    middle = 0.963 * middle + sample * 0.296_516_4
    high = 0.57 * high + sample * 1.052_691_3
    return low + middle + high + sample * 0.1848
  }
}
