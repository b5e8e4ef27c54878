import Basics
import CKernels

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
  public enum WholeRecording: String, NamedChoice {
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
  private let whole: WholeRecording
  /// Of the front end.
  private let ownFingerprint: String

  private enum Source {
    case samples
    case spectral(SpectralStream)
    case joined(JoinedStream)
  }

  private enum Step {
    case rows(StepStream)
    /// By what came so far, or with all of it known.
    case standardise(Standardisation, Standardisation.Statistics, isKnown: Bool)
  }

  private var source = Source.samples
  private var steps: [Step] = []
  private var received = 0
  private var isFinished = false
  private var looksAtAll = false

  /// What is measured instead of frames given, where something of the whole recording is not known yet.
  private(set) var measured: WholeStatistic?

  /// - Parameter whole: what to do where the convention looks at the whole recording.
  /// - Throws: `.invalidArgument` where the configuration makes no sense; `.unsupported` where it cannot be
  ///   streamed, or not without the whole recording and that is refused.
  public convenience init(
    _ configuration: FrontEndConfiguration, whole: WholeRecording = .refused
  ) throws {
    var unknown: ArraySlice<WholeStatistic>?
    try self.init(configuration, whole: whole, known: &unknown)
  }

  /// - Parameter known: what the convention looks at in the whole recording, in order; the first that is missing
  ///   is measured, and no frame comes out.
  convenience init(_ configuration: FrontEndConfiguration, known: [WholeStatistic]) throws {
    var known: ArraySlice<WholeStatistic>? = known[...]
    try self.init(configuration, whole: .refused, known: &known)
  }

  private init(
    _ configuration: FrontEndConfiguration, whole: WholeRecording,
    known: inout ArraySlice<WholeStatistic>?
  ) throws {
    let frontEnd = try configuration.frontEnd()
    (sampleRate, hopSeconds) = (frontEnd.sampleRate, frontEnd.hopSeconds)
    (bins, ownFingerprint) = (frontEnd.bins, frontEnd.fingerprint)
    self.whole = whole
    let plan = configuration.plan
    if let reason = plan.reasonAgainstStreaming {
      throw IdiolectError(.unsupported, "this front end \(reason): it cannot be streamed")
    }
    func refuse(_ what: String) -> IdiolectError {
      IdiolectError(
        .unsupported,
        "this front end \(what): stream it unnormalised or with running statistics, or take whole recordings"
      )
    }
    var width = 1
    switch plan.source {
    case .waveform, .pitch: break
    case .spectral(let spectral):
      looksAtAll = spectral.logarithm.needsMaximum
      var loudest: SpectralStream.Loudest = whole == .running ? .running : .ignored
      if looksAtAll {
        switch known?.popFirst() {
        case .loudest(let value): loudest = .known(value)
        case .none where known != nil: (loudest, measured) = (.running, .loudest(-.infinity))
        default:
          if whole == .refused { throw refuse("looks at the loudest of the whole recording") }
        }
      }
      source = .spectral(SpectralStream(try SpectralRows(spectral), loudest: loudest))
      width = spectral.bins
    case .joined(let joined):
      var parts: [FeatureStream] = []
      for part in joined.parts where measured == nil {
        let stream = try FeatureStream(part, whole: whole, known: &known)
        parts.append(stream)
        measured = stream.measured
        looksAtAll = looksAtAll || stream.looksAtAll
      }
      source = .joined(JoinedStream(parts))
      width = parts.reduce(0) { $0 + $1.bins }
    }
    for step in plan.steps where measured == nil {
      if let stream = StepStream(step, bins: width) {
        steps.append(.rows(stream))
      } else if case .standardise(let standardisation) = step {
        looksAtAll = true
        switch (known?.popFirst(), whole) {
        case (.moments(let statistics), _):
          steps.append(.standardise(standardisation, statistics, isKnown: true))
        case (.none, _) where known != nil: measured = .moments(.init(bins: width))
        case (_, .refused): throw refuse("normalises by the whole recording")
        case (_, .leftOut): break
        case (_, .running):
          steps.append(.standardise(standardisation, .init(bins: width), isKnown: false))
        }
      }
      width = step.bins(width)
    }
  }

  /// Names convention and settings; that of the front end where every frame is the same.
  public var fingerprint: String {
    looksAtAll ? "\(whole.rawValue)-\(ownFingerprint)" : ownFingerprint
  }

  /// The frames that these samples complete, `[frames, bins]`.
  ///
  /// - Parameter samples: mono, at `sampleRate`, ±1; any number.
  /// - Precondition: the stream was not finished.
  /// - Throws: `.invalidAudio` for the first that is not finite, with its place in the recording.
  public func callAsFunction(_ samples: some Collection<Float>) throws -> [Float] {
    try push(Array(samples), isEnd: false)
  }

  /// The frames that remain when no more samples come; then the stream is at its end.
  ///
  /// - Precondition: it was not finished before.
  public func finish() throws -> [Float] { try push([], isEnd: true) }

  func push(_ samples: [Float], isEnd: Bool) throws -> [Float] {
    precondition(!isFinished, "a stream that was finished gets more samples")
    isFinished = isEnd
    // Here, because the frames that a sample spoils may come out many chunks later.
    if let error = noSound(samples, from: received, sampleRate: sampleRate) { throw error }
    received += samples.count
    var rows: [Float]
    switch source {
    case .samples: rows = samples
    case .spectral(var stream):
      // Given up while it changes, or all that it holds would be copied.
      source = .samples
      rows = stream.push(samples, isEnd: isEnd)
      source = .spectral(stream)
    case .joined(var stream):
      if let part = stream.measuring {
        _ = try part.push(samples, isEnd: isEnd)
        measured = part.measured
        return []
      }
      source = .samples
      rows = try stream.push(samples, isEnd: isEnd)
      source = .joined(stream)
    }
    for index in steps.indices {
      switch steps[index] {
      case .rows(var stream):
        rows = try stream.push(rows, isEnd: isEnd)
        steps[index] = .rows(stream)
      case .standardise(let standardisation, let statistics, isKnown: true):
        rows = standardisation.apply(rows, statistics)
      case .standardise(let standardisation, var statistics, isKnown: false):
        rows = standardisation.running(rows, &statistics)
        steps[index] = .standardise(standardisation, statistics, isKnown: false)
      }
    }
    guard ck_all_finite(rows, rows.count) else { throw settingsWithoutNumbers }
    switch measured {
    case .none: return rows
    case .loudest:
      if case .spectral(let stream) = source { measured = .loudest(stream.loudestSoFar) }
    case .moments(var statistics):
      statistics.add(rows: rows)
      measured = .moments(statistics)
    }
    return []
  }
}

/// What a convention looks at in a whole recording.
enum WholeStatistic: Sendable {
  /// Of all logarithms of energies.
  case loudest(Float)
  case moments(Standardisation.Statistics)
}

extension Standardisation {
  fileprivate func apply(_ rows: [Float], _ statistics: Statistics) -> [Float] {
    let bins = statistics.means.count
    return apply(FrameMatrix(frames: rows.count / bins, bins: bins, values: rows), statistics)
      .values
  }

  /// Rows normalised by what came up to each of them.
  fileprivate func running(_ rows: [Float], _ statistics: inout Statistics) -> [Float] {
    let bins = statistics.means.count
    var result: [Float] = []
    for start in stride(from: 0, to: rows.count, by: bins) {
      let row = Array(rows[start..<start + bins])
      statistics.add(rows: row)
      result += apply(row, statistics)
    }
    return result
  }
}
