import Basics
import CKernels

/// Turns samples into features: one convention, with one configuration.
///
/// A front end is immutable and may be used from several threads at once; each call computes on the
/// thread that makes it, within `onEngine` on all of the engine's.
public protocol FrontEnd: Sendable {
  /// The rate of the samples, in Hz.
  var sampleRate: Int { get }
  /// Numbers in a frame.
  var bins: Int { get }
  /// From one frame to the next.
  var hopSeconds: Double { get }
  /// Names the convention and every setting; two front ends with one fingerprint give the same features.
  var fingerprint: String { get }

  /// - Parameter samples: `[samples]`, mono, at `sampleRate`, ±1.
  /// - Returns: `[frames, bins]`.
  /// - Throws: `.invalidAudio` where there are too few samples for a frame, or one of them is not finite.
  func callAsFunction(_ samples: [Float]) throws -> Features

  /// The frames that so many samples make, and how many of them are valid.
  func frameCount(samples: Int) -> (total: Int, valid: Int)
}

/// A front end that may need more of a recording than makes a frame.
protocol DemandingFrontEnd: FrontEnd {
  func suffices(_ samples: Int) -> Bool
}

extension FrontEnd {
  /// Whether so many samples make features.
  func isEnough(_ samples: Int) -> Bool {
    frameCount(samples: samples).valid > 0
      && (self as? any DemandingFrontEnd)?.suffices(samples) != false
  }

  /// The error for a recording of so many samples, which are not enough: it names the fewest that are.
  func tooShort(_ samples: Int) -> IdiolectError {
    var (low, high) = (samples, samples + 1)
    while !isEnough(high) {
      guard high < 1 << 31 else {
        return IdiolectError(
          .invalidArgument, "front end: its settings make no frame of a recording of any length")
      }
      (low, high) = (high, 2 * high)
    }
    while high - low > 1 {
      let middle = (low + high) / 2
      if isEnough(middle) { high = middle } else { low = middle }
    }
    return IdiolectError(
      .invalidAudio,
      "too short: \(samples) samples at \(sampleRate) Hz, but features need at least \(high) (\(decimals(Double(high) / Double(sampleRate), 3)) s); leave this recording out"
    )
  }

  /// - Throws: `.invalidAudio` for too few samples, or the first that is no sound.
  func require(_ samples: [Float]) throws {
    guard isEnough(samples.count) else { throw tooShort(samples.count) }
    if let error = noSound(samples, sampleRate: sampleRate) { throw error }
  }
}

/// The error for the first sample that is no sound, with its place; nil where all are.
///
/// Beyond ±1 are recordings that were not scaled; the limit is far above them.
///
/// - Parameter first: the place of the first of them in the recording.
func noSound(_ samples: [Float], from first: Int = 0, sampleRate: Int) -> IdiolectError? {
  guard !ck_all_within(samples, samples.count, 1e6) else { return nil }
  return samples.firstIndex { !(abs($0) < 1e6) }.map { index in
    let seconds = Double(first + index) / Double(sampleRate)
    return IdiolectError(
      .invalidAudio,
      "sample \(first + index), at \(seconds) s, is \(samples[index]), not a number within ±1,000,000; export the recording again"
    )
  }
}

let settingsWithoutNumbers = IdiolectError(
  .invalidArgument,
  "front end: its settings give features that are no finite numbers; are offsets, scales or floors too large or too small?"
)

extension FrontEndConfiguration {
  /// The rates of samples that front ends take, in Hz.
  public static let sampleRates = 8_000...192_000

  /// - Throws: `.invalidArgument` for a rate beyond them.
  static func validate(sampleRate: Int) throws {
    try SpectralConfiguration.require(
      sampleRates.contains(sampleRate),
      "sampleRate is \(sampleRate) Hz, must be \(sampleRates.lowerBound) to \(sampleRates.upperBound)"
    )
  }
}
