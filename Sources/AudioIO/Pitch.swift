import Basics
import Foundation

/// The recording higher or lower, at the same pace: lengthened without a change of pitch, then played faster.
///
/// As many samples as before. Deterministic.
///
/// - Parameters:
///   - samples: `[samples]`, mono.
///   - semitones: −12 to 12; up to 2 either way still sound like people.
///   - sampleRate: Hz.
/// - Throws: `.invalidArgument` for another shift.
public func changePitch(_ samples: [Float], semitones: Float, sampleRate: Int) throws -> [Float] {
  guard abs(semitones) <= 12, sampleRate > 0 else {
    throw IdiolectError(
      .invalidArgument,
      "a shift by \(semitones) semitones at \(sampleRate) Hz; give one from -12 to 12")
  }
  let factor = pow(2, semitones / 12)
  guard factor != 1, !samples.isEmpty else { return samples }
  let longer = changePace(samples, factor: 1 / factor, sampleRate: sampleRate)
  let result = try changeSpeed(longer, factor: factor, sampleRate: sampleRate)
  let missing = max(0, samples.count - result.count)
  return Array(result.prefix(samples.count)) + [Float](repeating: 0, count: missing)
}

/// The recording faster or slower at the same pitch, by overlapping windows that continue each other best (WSOLA,
/// Verhelst and Roelands 1993).
///
/// A factor of 1.1 makes n samples into n / 1.1.
///
/// - Parameters:
///   - samples: `[samples]`, mono.
///   - factor: above 0; 0.5 to 2 still sound like speech.
///   - sampleRate: Hz.
public func changePace(_ samples: [Float], factor: Float, sampleRate: Int) -> [Float] {
  precondition(factor > 0, "a pace of \(factor)")
  // 30 ms windows, half of which overlap, found within 10 ms of where they belong.
  let half = max(1, sampleRate * 15 / 1000)
  let reach = sampleRate * 10 / 1000
  let count = Int((Double(samples.count) / Double(factor)).rounded())
  guard samples.count > 2 * half + reach, count > 0 else {
    return (0..<count).map { samples[min(samples.count - 1, Int(Float($0) * factor))] }
  }
  let rise = (0..<half).map {
    Float(0.5 - 0.5 * cos(Double.pi * (Double($0) + 0.5) / Double(half)))
  }
  let last = samples.count - 2 * half
  var result = [Float](repeating: 0, count: count)
  samples.withUnsafeBufferPointer { source in
    var place = 0
    for (index, start) in stride(from: 0, to: count, by: half).enumerated() {
      if index > 0 {
        let wanted = min(last, Int(Double(start) * Double(factor)))
        place = best(
          source, continuing: min(place + half, last), half,
          within: max(0, wanted - reach)...min(last, wanted + reach))
      }
      for offset in 0..<min(half, count - start) {
        // The window before falls as this one rises; it has been added up to here.
        result[start + offset] += source[place + offset] * (index == 0 ? 1 : rise[offset])
      }
      for offset in 0..<max(0, min(half, count - start - half)) {
        result[start + half + offset] = source[place + half + offset] * rise[half - 1 - offset]
      }
    }
  }
  return result
}

/// Where in a range the samples are most like those that would come next.
private func best(
  _ source: UnsafeBufferPointer<Float>, continuing next: Int, _ length: Int,
  within range: ClosedRange<Int>
) -> Int {
  var (found, highest) = (range.lowerBound, -Float.infinity)
  for place in range {
    var (product, power): (Float, Float) = (0, 1e-9)
    for offset in 0..<length {
      product += source[next + offset] * source[place + offset]
      power += source[place + offset] * source[place + offset]
    }
    let likeness = product / power.squareRoot()
    if likeness > highest { (found, highest) = (place, likeness) }
  }
  return found
}
