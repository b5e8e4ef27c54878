/// How a recording is cut into frames, in samples.
public struct Framing: Sendable, Codable, Hashable {
  /// What happens at the ends of a recording.
  public enum Edges: String, NamedChoice {
    /// Frames lie wholly inside; frame t begins at t · hop.
    case inside
    /// As inside, and the last frame is filled with zeros.
    case filled
    /// Frame t has the middle of its transform at t · hop, with zeros beyond the ends.
    case centredZeros
    /// The same, with the recording mirrored; samples at the ends are not repeated.
    case centredReflect
    /// Frame t has its middle at (t + ½) · hop, the recording mirrored with the samples at the ends repeated:
    /// Kaldi's `snip_edges=false`.
    case centredKaldi
  }

  /// Where a window shorter than the transform lies in it, zeros beside it.
  public enum Place: String, NamedChoice {
    case middle, start
  }

  /// What becomes of the last frame of those that the edges make.
  public enum LastFrame: String, NamedChoice {
    case kept, dropped
    /// It is there, holds zeros and is not valid.
    case zeroed
  }

  public var fftLength = 512
  public var windowLength = 400
  /// From one frame to the next.
  public var hopLength = 160
  public var window = Window.periodicHann
  public var edges = Edges.centredZeros
  public var place = Place.middle
  public var lastFrame = LastFrame.kept
  /// Whether each frame's mean is taken away first.
  public var removesOffset = false
  /// Deviation of normal noise that is added to each scaled sample, the same in every run; 0 for none.
  public var dither = 0.0

  public init() {}

  func validate() throws {
    try SpectralConfiguration.require(
      (2...65_536).contains(fftLength), "fftLength is \(fftLength), must be 2 to 65536 samples")
    try SpectralConfiguration.require(
      (1...65_536).contains(windowLength),
      "windowLength is \(windowLength), must be 1 to 65536 samples")
    try SpectralConfiguration.require(
      windowLength <= fftLength || place == .start,
      "a window of \(windowLength) samples is longer than the transform of \(fftLength)")
    try SpectralConfiguration.require(
      (1...windowLength).contains(hopLength),
      "hopLength is \(hopLength), must be 1 to the window's \(windowLength) samples, or some are left out"
    )
    try SpectralConfiguration.require(
      dither >= 0 && dither <= 32_768, "dither is \(dither), must be 0 or a small number")
  }

  /// The frames that so many samples make, and how many of them are valid.
  func count(samples: Int) -> (total: Int, valid: Int) {
    let all = cut(samples)
    switch lastFrame {
    case .kept: return (all, all)
    case .dropped: return (max(0, all - 1), max(0, all - 1))
    case .zeroed: return (all, max(0, all - 1))
    }
  }

  private func cut(_ samples: Int) -> Int {
    guard samples > 0 else { return 0 }
    switch edges {
    case .inside: return samples < windowLength ? 0 : 1 + (samples - windowLength) / hopLength
    case .filled:
      return 1 + max(0, (samples - windowLength + hopLength - 1) / hopLength)
    case .centredZeros, .centredReflect:
      let padded = samples + 2 * (fftLength / 2)
      return padded < fftLength ? 0 : 1 + (padded - fftLength) / hopLength
    case .centredKaldi: return (samples + hopLength / 2) / hopLength
    }
  }

  /// Where the window lies in the transform.
  var margin: Int { place == .middle ? (fftLength - windowLength) / 2 : 0 }

  /// The first sample of a frame's window; may lie before the recording.
  func start(_ frame: Int) -> Int {
    switch edges {
    case .inside, .filled: frame * hopLength
    case .centredZeros, .centredReflect: frame * hopLength - fftLength / 2 + margin
    case .centredKaldi: frame * hopLength + hopLength / 2 - windowLength / 2
    }
  }

  /// The place inside 0 ..< `count` whose sample stands for that at `place`; nil for zero.
  func inside(_ place: Int, count: Int) -> Int? {
    if place >= 0 && place < count { return place }
    switch edges {
    case .inside, .filled, .centredZeros: return nil
    case .centredReflect:
      guard count > 1 else { return 0 }
      let period = 2 * (count - 1)
      let folded = (place % period + period) % period
      return folded < count ? folded : period - folded
    case .centredKaldi:
      let period = 2 * count
      let folded = (place % period + period) % period
      return folded < count ? folded : period - 1 - folded
    }
  }
}
