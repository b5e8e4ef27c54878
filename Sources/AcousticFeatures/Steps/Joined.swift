import Basics

/// Front ends side by side: the numbers of each frame by the first, then by the next; such as pitch beside
/// coefficients, Kaldi's `paste-feats`.
///
/// They hear the same rate and step on by the same hop, to 0.5 %; where one has fewer frames, the others' last are left out.
public struct Joined: FrontEnd {
  public let configuration: JoinedConfiguration
  public let fingerprint: String
  private let parts: [any FrontEnd]

  /// - Throws: `.invalidArgument` where there are no parts, or their rates or hops differ.
  public init(_ configuration: JoinedConfiguration) throws {
    self.configuration = configuration
    parts = try configuration.parts.map { try $0.frontEnd() }
    fingerprint = stableFingerprint("joined", configuration)
    guard let first = parts.first else {
      throw IdiolectError(.invalidArgument, "front end: nothing is joined")
    }
    for part in parts
    where part.sampleRate != first.sampleRate
      // Kaldi's hop is a whole number of samples, which pitch does not follow.
      || abs(part.hopSeconds - first.hopSeconds) > 0.005 * first.hopSeconds
    {
      throw IdiolectError(
        .invalidArgument,
        "front end: joined parts step \(first.hopSeconds) s at \(first.sampleRate) Hz and \(part.hopSeconds) s at \(part.sampleRate) Hz; they must agree"
      )
    }
  }

  public var sampleRate: Int { parts[0].sampleRate }
  public var bins: Int { parts.reduce(0) { $0 + $1.bins } }
  public var hopSeconds: Double { parts[0].hopSeconds }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) {
    let valid = parts.map { $0.frameCount(samples: samples).valid }.min() ?? 0
    return (valid, valid)
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    let made = try parts.map { try $0(samples) }
    let frames = made.map(\.validFrames).min() ?? 0
    var values: [Float] = []
    values.reserveCapacity(frames * bins)
    for frame in 0..<frames {
      for part in made {
        values += part.values[frame * part.bins..<(frame + 1) * part.bins]
      }
    }
    return Features(frames: frames, bins: bins, validFrames: frames, values: values)
  }
}

/// The settings of `Joined`.
public struct JoinedConfiguration: Sendable, Codable, Hashable {
  public var parts: [FrontEndConfiguration]

  public init(_ parts: [FrontEndConfiguration]) { self.parts = parts }
}
