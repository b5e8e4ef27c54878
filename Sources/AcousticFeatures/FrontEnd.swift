import Basics

/// Turns samples into features: one convention, with one configuration.
///
/// A front end is immutable and may be used from several threads at once; each call computes on the
/// thread that makes it.
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
  /// - Throws: `.invalidAudio` where there are too few samples for a frame, or they are not finite.
  func callAsFunction(_ samples: [Float]) throws -> Features

  /// The frames that so many samples make, and how many of them are valid.
  func frameCount(samples: Int) -> (total: Int, valid: Int)
}

func tooShort(samples: Int, minimum: Int, sampleRate: Int) -> IdiolectError {
  IdiolectError(
    .invalidAudio,
    "too short: \(samples) samples at \(sampleRate) Hz, but features need at least \(minimum) (\(Double(minimum) / Double(sampleRate)) s); leave this recording out"
  )
}

/// What to say of features that are no numbers: the samples are to blame, or else the settings.
func notFinite(_ samples: some Sequence<Float>) -> IdiolectError {
  samples.allSatisfy { abs($0) < 1e6 }
    ? IdiolectError(
      .invalidArgument,
      "front end: its settings give features that are no finite numbers; are offsets, scales or floors too large or too small?"
    )
    : IdiolectError(
      .invalidAudio,
      "the samples are not all finite numbers within ±1, so neither are the features; export the recording again"
    )
}
