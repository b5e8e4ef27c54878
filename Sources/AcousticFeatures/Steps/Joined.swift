import Basics

/// Front ends side by side: the numbers of each frame by the first, then by the next; such as pitch beside
/// coefficients, Kaldi's `paste-feats`.
///
/// They hear the same rate and step on by the same hop, to 0.5 %: beside each row of the first stands the row of every
/// other that is nearest in time. Where one has fewer, the others' last are left out.
public struct Joined: DemandingFrontEnd {
  public let configuration: JoinedConfiguration
  public let fingerprint: String
  private let parts: [any FrontEnd]
  private let rows: JoinedRows

  /// - Throws: `.invalidArgument` where there are no parts, or their rates or hops differ.
  public init(_ configuration: JoinedConfiguration) throws {
    self.configuration = configuration
    parts = try configuration.parts.map { try $0.frontEnd() }
    rows = JoinedRows(hops: parts.map(\.hopSeconds))
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
    let valid = rows.frames(parts.map { $0.frameCount(samples: samples).valid })
    return (valid, valid)
  }

  func suffices(_ samples: Int) -> Bool { parts.allSatisfy { $0.isEnough(samples) } }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    guard isEnough(samples.count) else { throw tooShort(samples.count) }
    let made = try parts.map { try $0(samples) }
    let frames = rows.frames(made.map(\.validFrames))
    var values: [Float] = []
    values.reserveCapacity(frames * bins)
    for frame in 0..<frames {
      for (index, part) in made.enumerated() {
        let row = rows.row(frame, of: index)
        values += part.values[row * part.bins..<(row + 1) * part.bins]
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

/// Which rows of joined parts stand side by side.
///
/// Kaldi's hop is a whole number of samples, and that of pitch 10 ms: at 22,050 Hz row beside row they would be a second
/// apart after seven minutes.
struct JoinedRows: Sendable {
  /// Rows of each part to one of the first.
  private let paces: [Double]

  init(hops: [Double]) { paces = hops.map { hops[0] / $0 } }

  /// The row of a part that is nearest in time to one of the first.
  func row(_ frame: Int, of part: Int) -> Int { Int((Double(frame) * paces[part]).rounded()) }

  /// The frames for which every part has a row.
  ///
  /// - Parameter counts: the rows of each.
  func frames(_ counts: [Int]) -> Int {
    counts.indices.map { part in
      // One too many at most.
      var frames = Int(Double(counts[part]) / paces[part]) + 1
      while frames > 0, row(frames - 1, of: part) >= counts[part] { frames -= 1 }
      return frames
    }.min() ?? 0
  }
}
