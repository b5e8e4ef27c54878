import Basics

/// Logarithmic mel spectrogram in NeMo's convention: what Parakeet and FastConformer hear.
///
///     frame t is centred on sample t · hop, with zeros beyond both ends
///     y[i] = x[i] − 0.97 x[i − 1] → window → |FFT|² → Slaney mel → log(m + 2⁻²⁴)
///     each bin: (v − mean) / (deviation + 10⁻⁵) over the valid frames
///
/// As `ParakeetFeatureExtractor` of transformers gives one frame more than are valid, so does this:
/// n samples make `n / hop` valid frames and one of zeros.
public struct LogMel: DemandingFrontEnd {
  public let configuration: LogMelConfiguration
  public let fingerprint: String
  private let pipeline: FeaturePipeline

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public init(_ configuration: LogMelConfiguration = LogMelConfiguration()) throws {
    try configuration.validate()
    self.configuration = configuration
    fingerprint = stableFingerprint("log-mel", configuration)
    pipeline = try FeaturePipeline(configuration.pipeline)
  }

  public var sampleRate: Int { configuration.sampleRate }
  public var bins: Int { configuration.melBins }
  public var hopSeconds: Double { pipeline.hopSeconds }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) {
    pipeline.frameCount(samples: samples)
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    // Normalisation needs two valid frames: 320 samples as NeMo has it.
    try pipeline(samples)
  }

  func suffices(_ samples: Int) -> Bool { pipeline.isEnough(samples) }
}

extension LogMelConfiguration {
  var spectral: SpectralConfiguration {
    var result = SpectralConfiguration()
    result.sampleRate = sampleRate
    result.emphasis = .recording(preemphasis)
    (result.frames.fftLength, result.frames.windowLength) = (fftLength, windowLength)
    result.frames.hopLength = hopLength
    result.frames.window = window
    result.frames.lastFrame = .zeroed
    result.mel = MelConfiguration(bands: melBins, lowHz: lowHz, highHz: highHz ?? 0)
    result.logarithm = Logarithm(.natural, .offset(logOffset))
    return result
  }

  var pipeline: PipelineConfiguration {
    PipelineConfiguration(
      .spectral(spectral),
      steps: normalization == .perFeature
        ? [.standardise(Standardisation(guarded: .deviation(deviationOffset)))] : [])
  }
}
