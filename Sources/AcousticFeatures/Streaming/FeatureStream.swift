import Basics

/// Features as samples arrive, in chunks of any size: the same frames as of the recording at once.
///
///     let stream = try FeatureStream(.kaldiFbank(KaldiFbankConfiguration()))
///     for chunk in chunks { use(try stream(chunk)) }
///     use(try stream.finish())
///
/// Not to be shared between threads.
public final class FeatureStream {
  /// What becomes of a convention that looks at the whole recording: normalises by its mean and deviation, or
  /// lifts what lies far below its loudest.
  public enum WholeRecording: String, Sendable, Codable, CaseIterable {
    /// It cannot be streamed.
    case refused
    /// Those steps are left out.
    case leftOut = "unnormalised"
    /// They look at what came so far, as a convention of its own.
    case running
  }

  public let bins: Int
  /// From one frame to the next.
  public let hopSeconds: Double
  /// In Hz.
  public let sampleRate: Int
  /// Names convention and settings; that of the front end where every frame is the same.
  public let fingerprint: String

  private enum Step {
    case rows(StepStream)
    case running(Standardisation, Standardisation.Statistics)
  }

  private var source: SpectralStream?
  private var steps: [Step] = []
  private var isFinished = false

  /// - Parameter whole: what to do where the convention looks at the whole recording.
  /// - Throws: `.invalidArgument` where the configuration makes no sense; `.unsupported` where it cannot be
  ///   streamed, or not without the whole recording and that is refused.
  public init(_ configuration: FrontEndConfiguration, whole: WholeRecording = .refused) throws {
    let frontEnd = try configuration.frontEnd()
    (sampleRate, hopSeconds) = (frontEnd.sampleRate, frontEnd.hopSeconds)
    bins = frontEnd.bins
    guard let plan = configuration.plan else {
      throw IdiolectError(
        .unsupported, "pitch is a path through the whole recording: it cannot be streamed")
    }
    var width = 1
    var looksAtAll = false
    func refuse(_ what: String) -> IdiolectError {
      IdiolectError(
        .unsupported,
        "this front end \(what): stream it unnormalised or with running statistics, or take whole recordings"
      )
    }
    if let spectral = plan.spectral {
      guard spectral.fixedSamples == nil else {
        throw IdiolectError(
          .unsupported, "this front end hears always as many samples at once: it cannot be streamed"
        )
      }
      looksAtAll = spectral.logarithm.needsMaximum
      if looksAtAll && whole == .refused {
        throw refuse("looks at the loudest of the whole recording")
      }
      let rows = try SpectralRows(spectral)
      source = SpectralStream(rows, limitsRange: whole == .running)
      width = spectral.bins
    }
    for step in plan.steps {
      if let stream = StepStream(step, bins: width) {
        steps.append(.rows(stream))
      } else if case .standardise(let standardisation) = step {
        looksAtAll = true
        switch whole {
        case .refused: throw refuse("normalises by the whole recording")
        case .leftOut: break
        case .running: steps.append(.running(standardisation, .init(bins: width)))
        }
      }
      width = step.bins(width)
    }
    fingerprint =
      looksAtAll ? "\(whole.rawValue)-\(frontEnd.fingerprint)" : frontEnd.fingerprint
  }

  /// The frames that these samples complete, `[frames, bins]`.
  ///
  /// - Parameter samples: mono, at `sampleRate`, ±1; any number.
  /// - Throws: `.invalidAudio` where they are not finite.
  public func callAsFunction(_ samples: some Collection<Float>) throws -> [Float] {
    try push(samples, isEnd: false)
  }

  /// The frames that remain when no more samples come; then the stream is at its end.
  public func finish() throws -> [Float] { try push([Float](), isEnd: true) }

  private func push(_ samples: some Collection<Float>, isEnd: Bool) throws -> [Float] {
    precondition(!isFinished, "a stream that was finished gets more samples")
    isFinished = isEnd
    var rows = source?.push(samples, isEnd: isEnd) ?? Array(samples)
    for index in steps.indices {
      switch steps[index] {
      case .rows(var stream):
        rows = try stream.push(rows, isEnd: isEnd)
        steps[index] = .rows(stream)
      case .running(let standardisation, var statistics):
        rows = standardisation.running(rows, &statistics)
        steps[index] = .running(standardisation, statistics)
      }
    }
    guard rows.allSatisfy(\.isFinite) else { throw notFinite() }
    return rows
  }
}

extension Standardisation {
  /// Rows normalised by what came up to each of them.
  fileprivate func running(_ rows: [Float], _ statistics: inout Statistics) -> [Float] {
    let bins = statistics.means.count
    var result: [Float] = []
    for start in stride(from: 0, to: rows.count, by: bins) {
      let row = rows[start..<start + bins]
      statistics.add(row)
      result += apply(FrameMatrix(frames: 1, bins: bins, values: Array(row)), statistics).values
    }
    return result
  }
}

extension FrontEndConfiguration {
  /// The spectral convention, nil for samples themselves, and the steps after it; nil where that is not all.
  var plan: (spectral: SpectralConfiguration?, steps: [FeatureStep])? {
    switch self {
    case .kaldiPitch: nil
    case .logMel(let configuration): configuration.pipeline.plan
    case .kaldiFbank(let configuration): (configuration.spectral, [])
    case .kaldiMFCC(let configuration): (configuration.spectral, [])
    case .spectral(let configuration): (configuration, [])
    case .waveform(let configuration):
      (nil, configuration.normalises ? [.standardise(Waveform.normalisation)] : [])
    case .pipeline(let configuration): configuration.plan
    }
  }
}

extension PipelineConfiguration {
  fileprivate var plan: (spectral: SpectralConfiguration?, steps: [FeatureStep])? {
    frontEnd.plan.map { ($0.spectral, $0.steps + steps) }
  }
}
