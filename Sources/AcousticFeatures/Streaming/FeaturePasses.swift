import Basics

/// Features of a recording of any length, with the bits of the whole and the memory of a part: a long one is read
/// once more, and once more for each thing that the convention looks at in all of it.
///
///     let passes = try FeaturePasses(FeaturePreset.nemo.configuration())
///     let counts = try passes { consume in while let block = try next(), try consume(block) {} } write: { … }
///
/// Pitch is a path through all of a recording, so that it, and what it is joined to, takes an hour at most.
public struct FeaturePasses: Sendable {
  public let frontEnd: any FrontEnd
  public let configuration: FrontEndConfiguration
  /// Samples that are held at once.
  private let held: Int

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public init(_ configuration: FrontEndConfiguration) throws {
    try self.init(configuration, held: 1 << 22)
  }

  package init(_ configuration: FrontEndConfiguration, held: Int) throws {
    self.configuration = configuration
    self.held = held
    frontEnd = try configuration.frontEnd()
  }

  /// - Parameters:
  ///   - read: hands the recording from its beginning, `[samples]` in pieces of any size, to its argument, which
  ///     says whether it wants more; called for each pass.
  ///   - write: gets frames in order, `[frames, bins]`.
  /// - Returns: the frames that were written, and how many are valid.
  /// - Throws: what the closures throw; what the front end throws; `.unsupported` for pitch of more than an hour.
  public func callAsFunction(
    _ read: (_ consume: @escaping ([Float]) throws -> Bool) throws -> Void,
    write: @escaping ([Float]) throws -> Void
  ) throws -> (total: Int, valid: Int) {
    let plan = configuration.plan
    let limit =
      plan.map { $0.spectral?.fixedSamples ?? held } ?? 3600 * frontEnd.sampleRate
    var samples: [Float] = []
    try read { block in
      samples += block
      return samples.count <= limit
    }
    if samples.count <= limit || plan?.spectral?.fixedSamples != nil {
      let features = try frontEnd(samples)
      try write(features.values)
      return (features.frames, features.validFrames)
    }
    guard plan != nil else {
      throw IdiolectError(
        .unsupported,
        "pitch, or what is joined, takes all of a recording at once: cut it into hours or less")
    }
    samples = []
    return try passes(read, write)
  }

  private func passes(
    _ read: (_ consume: @escaping ([Float]) throws -> Bool) throws -> Void,
    _ write: @escaping ([Float]) throws -> Void
  ) throws -> (total: Int, valid: Int) {
    var known: [WholeStatistic] = []
    while true {
      let stream = try FeatureStream(configuration, known: known)
      var (samples, written) = (0, 0)
      func pass(_ rows: [Float]) throws {
        written += rows.count / frontEnd.bins
        try write(rows)
      }
      try read { block in
        samples += block.count
        try pass(stream(block))
        return true
      }
      try pass(stream.finish())
      guard let measured = stream.measured else {
        let counts = frontEnd.frameCount(samples: samples)
        // Frames that are not valid are of zeros, but for those that a stack has filled.
        try write([Float](repeating: 0, count: (counts.total - written) * frontEnd.bins))
        return counts
      }
      known.append(measured)
    }
  }
}
