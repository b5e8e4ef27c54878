import Basics

/// Features of a recording of any length, as of the whole and with the memory of a part: a long one is read once more,
/// and once more for each thing that the convention looks at in all of it.
///
/// They have the bits of the whole, but after sliding normalisation: its sums begin where the part does, so that last
/// digits differ.
///
///     let passes = try FeaturePasses(FeaturePreset.nemo.configuration())
///     let counts = try passes { consume in while let block = try next(), try consume(block) {} } write: { … }
///
/// Pitch is a path through all of a recording, so that it, and what it is joined to, is made of an hour at most, all of
/// which is held.
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

  /// The first samples, of those that come in, where no more are heard.
  private var heardSamples: Int? {
    guard let spectral = configuration.plan.spectral, let fixed = spectral.fixedSamples else {
      return nil
    }
    return fixed * spectral.keepsEvery
  }

  /// Of a recording that is held whole.
  private var mostHeld: Int {
    heardSamples
      ?? (configuration.plan.reasonAgainstStreaming == nil ? held : 3600 * frontEnd.sampleRate)
  }

  /// The samples of all passes over a recording of so many.
  package func samplesRead(of samples: Int) -> Int {
    samples <= mostHeld || heardSamples != nil
      ? min(samples, mostHeld)
      : mostHeld + (configuration.plan.wholeStatistics + 1) * samples
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
    let (plan, heard, limit) = (configuration.plan, heardSamples, mostHeld)
    var samples: [Float] = []
    try read { block in
      samples += block
      return samples.count <= limit
    }
    if samples.count <= limit || heard != nil {
      let features = try frontEnd(samples)
      try write(features.values)
      return (features.frames, features.validFrames)
    }
    if let reason = plan.reasonAgainstStreaming {
      throw IdiolectError(
        .unsupported,
        "this front end \(reason), and takes an hour at most: cut the recording into hours or less")
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
