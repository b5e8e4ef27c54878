import Basics
import Idiolect

/// How much of one recording has been read, in seconds of sound and over all passes, as a bar.
final class ReadingProgress {
  private let bar: ProgressBar
  private let sampleRate: Int
  private var samples = 0

  /// - Parameter seconds: the recording's length; nil where it is not known.
  init(_ passes: FeaturePasses, seconds: Double?) {
    sampleRate = passes.frontEnd.sampleRate
    // What a damaged header says may be any number.
    let known = seconds.flatMap {
      (0..<1e8).contains($0) ? Int($0 * Double(passes.frontEnd.sampleRate)) : nil
    }
    bar = ProgressBar(
      "features", total: known.map { passes.samplesRead(of: $0) / passes.frontEnd.sampleRate },
      unit: "s of sound")
  }

  func add(_ count: Int) {
    let before = samples / sampleRate
    samples += count
    bar.advance(by: samples / sampleRate - before)
  }

  func finish() { bar.finish() }
}
