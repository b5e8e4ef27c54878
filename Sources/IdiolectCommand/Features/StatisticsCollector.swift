import Basics
import Idiolect

/// Mean and variance of each bin over recordings, as their features are made.
final class StatisticsCollector {
  private let path: String
  private var statistics: FeatureStatistics?
  /// More frames at the end of a recording than any convention calls invalid there.
  private static let held = 64

  init(_ path: String) { self.path = path }

  /// - Throws: what `make` throws, and then nothing of this recording counts; `UnusableRecording` where the front
  ///   end is another than before.
  func add(_ name: String, _ frontEnd: any FrontEnd, _ make: FeatureSink.Maker) throws {
    var next = statistics ?? FeatureStatistics(frontEnd)
    guard next.fingerprint == frontEnd.fingerprint else {
      throw UnusableRecording(
        error: IdiolectError(
          .invalidData,
          "\(name): its front end is not that of the recordings before it, for its rate is another (\(frontEnd.sampleRate) Hz); measure recordings of one rate, or take a preset that resamples"
        ))
    }
    let bins = frontEnd.bins
    var pending: [Float] = []
    let counts = try make { values in
      pending += values
      let spare = pending.count / bins - StatisticsCollector.held
      guard spare > 0 else { return }
      next.add(pending, frames: spare)
      pending.removeFirst(spare * bins)
    }
    next.add(pending, frames: pending.count / bins - (counts.total - counts.valid))
    statistics = next
  }

  func finish() throws {
    guard let statistics else { return }
    try AtomicFile.write(statistics.json(), to: path)
  }
}
