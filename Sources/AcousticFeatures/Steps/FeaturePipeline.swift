import Basics

/// A front end and what follows it.
public struct FeaturePipeline: FrontEnd {
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

  /// The fewest samples that give a valid frame, where `count` give none.
  private func fewestSamples(above count: Int) -> Int {
    var (low, high) = (count, max(1, count))
    repeat {
      (low, high) = (high, 2 * high)
    } while frameCount(samples: high).valid == 0 && high < 1 << 31
    while high - low > 1 {
      let middle = (low + high) / 2
      if frameCount(samples: middle).valid > 0 { high = middle } else { low = middle }
    }
    return high
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    var features = try frontEnd(samples)
    features.values.removeLast((features.frames - features.validFrames) * features.bins)
    var matrix = FrameMatrix(
      frames: features.validFrames, bins: features.bins, values: features.values)
    for step in configuration.steps {
      if case .standardise(let standardisation) = step,
        matrix.frames < standardisation.fewestFrames
      {
        throw IdiolectError(
          .invalidAudio,
          "too short: \(matrix.frames) frames have no deviation to normalise by; leave this recording out"
        )
      }
      matrix = try step.apply(matrix)
    }
    let (total, valid) = frameCount(samples: samples.count)
    guard valid > 0 else {
      throw tooShort(
        samples: samples.count, minimum: fewestSamples(above: samples.count), sampleRate: sampleRate
      )
    }
    guard matrix.values.allSatisfy(\.isFinite) else { throw notFinite(samples) }
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
