import Basics

/// Samples as they are, or with mean 0 and deviation 1: what wav2vec 2.0 and its kin hear.
///
///     (x − mean) / √(variance + 10⁻⁷)
public struct Waveform: FrontEnd {
  public let configuration: WaveformConfiguration
  public let fingerprint: String

  static let normalisation = Standardisation(isUnbiased: false, guarded: .variance(1e-7))

  public init(_ configuration: WaveformConfiguration = WaveformConfiguration()) throws {
    try FrontEndConfiguration.validate(sampleRate: configuration.sampleRate)
    self.configuration = configuration
    fingerprint = stableFingerprint("waveform", configuration)
  }

  public var sampleRate: Int { configuration.sampleRate }
  public var bins: Int { 1 }
  public var hopSeconds: Double { 1 / Double(sampleRate) }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) { (samples, samples) }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    try require(samples)
    var matrix = FrameMatrix(frames: samples.count, bins: 1, values: samples)
    if configuration.normalises {
      matrix = Waveform.normalisation.apply(matrix)
    }
    return Features(
      frames: samples.count, bins: 1, validFrames: samples.count, values: matrix.values)
  }
}

/// The settings of `Waveform`.
public struct WaveformConfiguration: Sendable, Codable, Hashable {
  /// In Hz.
  public var sampleRate = 16_000
  public var normalises = true

  public init() {}
}
