import Basics
import Foundation

/// Every step from samples to spectral features: one value says a whole convention.
///
///     scale → emphasis → frames → window → |FFT| → bands → logarithm → cepstra
///
/// Conventions differ in small things that change every number; `FeaturePreset` has the known ones.
public struct SpectralConfiguration: Sendable, Codable, Hashable {
  /// Of the samples that come in, in Hz.
  public var sampleRate = 16_000
  /// Keeps every so many-th sample, with no filter before: 1 for all.
  public var keepsEvery = 1
  /// What samples of ±1 are multiplied by: 32,768 where the original reads 16-bit numbers.
  public var scale = 1.0
  /// Cuts or fills every recording with zeros to so many samples; nil for as long as it is.
  public var fixedSamples: Int?
  public var emphasis = Emphasis.none
  public var frames = Framing()
  public var spectrum = Spectrum.power
  /// Whether frames are transformed in double precision, as some originals do: on a pure tone it matters.
  public var isDouble = false
  /// nil for the bins of the spectrum.
  public var mel: MelConfiguration? = MelConfiguration()
  public var logarithm = Logarithm.none
  public var cepstra: Cepstra?
  public var energy: FrameEnergy?

  public init() {}

  /// Of the samples that are kept, in Hz.
  package var keptRate: Int { sampleRate / max(1, keepsEvery) }
  /// Numbers in a frame before cepstra.
  var bands: Int { mel?.bands ?? frames.fftLength / 2 + 1 }
  /// Numbers in a frame.
  var bins: Int { (cepstra?.count ?? bands) + (energy?.place == .first ? 1 : 0) }

  /// - Throws: `.invalidArgument` that names the first setting which makes no sense.
  public func validate() throws {
    try FrontEndConfiguration.validate(sampleRate: sampleRate)
    try SpectralConfiguration.require(
      keepsEvery >= 1 && sampleRate % keepsEvery == 0,
      "keepsEvery is \(keepsEvery), must divide the rate of \(sampleRate) Hz")
    try SpectralConfiguration.require(
      scale > 0 && scale.isFinite, "scale is \(scale), must be above 0")
    try SpectralConfiguration.require(
      (1...100_000_000).contains(fixedSamples ?? 1),
      "fixedSamples is \(fixedSamples ?? 0), must be 1 to 100000000")
    if let coefficient = emphasis.coefficient {
      try SpectralConfiguration.require(
        (0...1).contains(coefficient), "preemphasis is \(coefficient), must be 0 to 1")
    }
    try frames.validate()
    try mel?.validate(sampleRate: keptRate)
    try cepstra?.validate(bands: bands)
    try logarithm.validate()
    let floor = energy?.floor ?? 0
    try SpectralConfiguration.require(
      floor >= 0 && floor < 1e30, "the floor of energies is \(floor), must be 0 or more")
  }

  static func require(_ holds: Bool, _ what: String) throws {
    guard holds else { throw IdiolectError(.invalidArgument, "front end: \(what)") }
  }
}

/// y[i] = x[i] − coefficient · x[i − 1], which lifts high frequencies.
public enum Emphasis: Sendable, Codable, Hashable {
  case none
  /// Over the recording; its first sample stays.
  case recording(Double)
  /// Within each frame; its first sample loses that share of itself.
  case frame(Double)

  var coefficient: Double? {
    switch self {
    case .none: nil
    case .recording(let value), .frame(let value): value
    }
  }
}

/// What of a Fourier transform's values is taken.
public enum Spectrum: String, NamedChoice {
  /// |X|
  case magnitude
  /// |X|²
  case power
  /// |X|² / length of the transform
  case periodogram
}

/// The logarithmic energy of a frame as one of its features.
public struct FrameEnergy: Sendable, Codable, Hashable {
  public enum Source: String, NamedChoice {
    /// Squares of the frame's samples before emphasis and window.
    case samples
    /// Of those after them.
    case windowed
    /// The sum over the spectrum.
    case spectrum
  }

  public enum Place: String, NamedChoice {
    /// Before the others.
    case first
    /// In place of the first of them.
    case replacesFirst
  }

  public var source = Source.samples
  public var place = Place.first
  /// Least energy; 0 for none.
  public var floor = 0.0

  public init(source: Source = .samples, place: Place = .first, floor: Double = 0) {
    (self.source, self.place, self.floor) = (source, place, floor)
  }
}

/// Cosine transform of the logarithmic bands (type II).
public struct Cepstra: Sendable, Codable, Hashable {
  /// Coefficients, the zeroth included.
  public var count = 13
  /// Coefficient i is multiplied by 1 + lifter / 2 · sin(πi / lifter); 0 for none.
  public var lifter = 0.0
  /// Whether the zeroth coefficient is scaled by √½, so that the transform keeps lengths.
  public var isOrthonormal = true

  public init(count: Int = 13, lifter: Double = 0, isOrthonormal: Bool = true) {
    (self.count, self.lifter, self.isOrthonormal) = (count, lifter, isOrthonormal)
  }

  /// What coefficient `order` is multiplied by.
  func lift(_ order: Int) -> Double {
    lifter == 0 ? 1 : 1 + lifter / 2 * sin(.pi * Double(order) / lifter)
  }

  func validate(bands: Int) throws {
    try SpectralConfiguration.require(
      (1...bands).contains(count),
      "coefficients is \(count), must be 1 to the number of bands, \(bands)")
    try SpectralConfiguration.require(
      lifter >= 0 && lifter.isFinite, "lifter is \(lifter), must be 0 or more")
  }
}
