import Basics
import CKernels

/// A front end and what follows it.
public struct FeaturePipeline: DemandingFrontEnd {
  public let configuration: PipelineConfiguration
  public let fingerprint: String
  let frontEnd: any FrontEnd
  private let stepBins: [Int]

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public init(_ configuration: PipelineConfiguration) throws {
    self.configuration = configuration
    frontEnd = try configuration.frontEnd.frontEnd()
    var bins = frontEnd.bins
    stepBins = try configuration.steps.map { step in
      try step.validate(bins: bins)
      bins = step.bins(bins)
      try SpectralConfiguration.require(
        bins <= 65_536, "steps make frames of \(bins) numbers, must be at most 65536")
      return bins
    }
    fingerprint = stableFingerprint("pipeline", configuration)
  }

  public var sampleRate: Int { frontEnd.sampleRate }
  public var bins: Int { stepBins.last ?? frontEnd.bins }
  public var hopSeconds: Double {
    configuration.steps.reduce(frontEnd.hopSeconds) { $0 * Double($1.stride) }
  }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) {
    let (total, valid) = frontEnd.frameCount(samples: samples)
    return configuration.steps.reduce((total, valid)) { counts, step in
      (step.frames(counts.0), step.valid(counts.1))
    }
  }

  func suffices(_ samples: Int) -> Bool {
    guard frontEnd.isEnough(samples) else { return false }
    var frames = frontEnd.frameCount(samples: samples).valid
    for step in configuration.steps {
      guard frames >= step.fewestFrames else { return false }
      frames = step.frames(frames)
    }
    return true
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    // The front end looks at the samples themselves.
    guard isEnough(samples.count) else { throw tooShort(samples.count) }
    var features = try frontEnd(samples)
    features.values.removeLast((features.frames - features.validFrames) * features.bins)
    var matrix = FrameMatrix(
      frames: features.validFrames, bins: features.bins, values: features.values)
    for step in configuration.steps { matrix = try step.apply(matrix) }
    let (total, valid) = frameCount(samples: samples.count)
    guard ck_all_finite(matrix.values, matrix.values.count) else { throw settingsWithoutNumbers }
    matrix.append(repeatElement(0, count: (total - matrix.frames) * bins))
    return Features(frames: total, bins: bins, validFrames: valid, values: matrix.values)
  }
}

/// A front end's configuration and the steps after it.
public struct PipelineConfiguration: Sendable, Codable, Hashable {
  public var frontEnd: FrontEndConfiguration
  public var steps: [FeatureStep]

  public init(_ frontEnd: FrontEndConfiguration, steps: [FeatureStep] = []) {
    (self.frontEnd, self.steps) = (frontEnd, steps)
  }
}
