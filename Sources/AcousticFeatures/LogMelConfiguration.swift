import Basics

/// The settings of `LogMel`; the defaults are those of NeMo's FastConformer and of `ParakeetFeatureExtractor`.
public struct LogMelConfiguration: Sendable, Codable, Hashable {
  /// In Hz.
  public var sampleRate = 16_000
  public var melBins = 80
  /// In samples.
  public var fftLength = 512
  /// In samples; the window lies in the middle of the transform, with zeros around it.
  public var windowLength = 400
  /// From one frame to the next, in samples.
  public var hopLength = 160
  public var window = Window.hann
  /// y[i] = x[i] − preemphasis · x[i − 1], the first sample kept; 0 for none.
  public var preemphasis = 0.97
  /// Lower edge of the lowest band, in Hz.
  public var lowHz = 0.0
  /// Upper edge of the highest band, in Hz; nil for half the sample rate.
  public var highHz: Double?
  /// Added before the logarithm.
  public var logOffset = 0x1p-24
  public var normalization = FeatureNormalization.perFeature
  /// Added to the deviation that normalisation divides by.
  public var deviationOffset = 1e-5

  public init() {}

  /// - Throws: `.invalidArgument` that names the first setting which makes no sense.
  public func validate() throws {
    func require(_ holds: Bool, _ what: String) throws {
      guard holds else { throw IdiolectError(.invalidArgument, "log-mel front end: \(what)") }
    }
    try FrontEndConfiguration.validate(sampleRate: sampleRate)
    try require(
      (2...32_768).contains(fftLength), "fftLength is \(fftLength), must be 2 to 32768 samples")
    try require((1...512).contains(melBins), "melBins is \(melBins), must be 1 to 512")
    try require(
      (1...fftLength).contains(windowLength),
      "windowLength is \(windowLength), must be 1 to fftLength, \(fftLength) samples")
    try require(
      (sampleRate / 1000...sampleRate / 10).contains(hopLength),
      "hopLength is \(hopLength) samples, must be 1 to 100 ms: \(sampleRate / 1000) to \(sampleRate / 10)"
    )
    try require(
      hopLength <= windowLength,
      "hopLength is \(hopLength) samples, longer than the window of \(windowLength): some would be left out"
    )
    try require((0...1).contains(preemphasis), "preemphasis is \(preemphasis), must be 0 to 1")
    let high = highHz ?? Double(sampleRate) / 2
    try require(
      lowHz >= 0 && lowHz < high && high <= Double(sampleRate) / 2,
      "bands from \(lowHz) Hz to \(high) Hz, must rise and end at or below half the sample rate")
    try require(
      logOffset > 0 && logOffset < 1, "logOffset is \(logOffset), must be above 0 and below 1")
    try require(
      deviationOffset > 0 && deviationOffset < 1,
      "deviationOffset is \(deviationOffset), must be above 0 and below 1")
  }
}

/// What is done to the features of a recording as a whole.
public enum FeatureNormalization: String, NamedChoice {
  case none
  /// Each bin gets mean 0 and deviation 1 (n − 1 in the denominator) over the valid frames.
  case perFeature
}
