import Basics
import Foundation
import Idiolect
import Transcription

extension FeaturesCommand {
  /// Recordings that are worked on before their features are written, in order.
  private static let window = 32

  private enum Work: Sendable {
    case done(Features, FeaturePasses)
    case later(FeaturePasses)
    case failed(any Error)
  }

  /// The features of recordings, folders and manifests; what cannot be used is set aside.
  func writeMany(_ preset: FeatureConvention, to output: String) throws {
    var quarantine = Quarantine()
    let all = try FeatureInput.expand(inputs, quarantine: &quarantine)
    let frontEnds = PresetFrontEnds(preset)
    let sink =
      try statistics.map { FeatureSink(statistics: $0) }
      ?? FeatureSink(output, fingerprint: preset.fingerprint)
    let done = sink.done
    let left = all.filter { !done.contains($0.name) }
    if left.count < all.count {
      Failure.say("\(all.count - left.count) of \(all.count) recordings are done already")
    }
    var failures = 0
    let bar = ProgressBar("features", total: left.count, unit: "recordings")
    defer { bar.finish() }
    func refuse(_ input: FeatureInput, _ unusable: UnusableRecording) {
      failures += 1
      let (cause, remedy) = unusable.error.parts(
        without: input.path, remedy: "replace the recording, or leave it out")
      quarantine.add(utterance: input.name, source: input.path, cause: cause, remedy: remedy)
    }
    for start in stride(from: 0, to: left.count, by: FeaturesCommand.window) {
      let part = Array(left[start..<min(start + FeaturesCommand.window, left.count)])
      let made = try parallelMap(part) { input -> Work in
        do {
          let (passes, isBrief) = try frontEnds.passes(for: input)
          // What is long is made when it is written, so that it is never all in memory.
          return isBrief
            ? .done(try frontEnds.features(passes, input), passes) : .later(passes)
        } catch { return .failed(error) }
      }
      for (input, work) in zip(part, made) {
        do {
          switch work {
          case .done(let features, let passes):
            try sink.add(input.name, passes.frontEnd) {
              try $0(features.values)
              return (features.frames, features.validFrames)
            }
          case .later(let passes):
            try sink.add(input.name, passes.frontEnd) {
              try frontEnds.make(passes, input, $0)
            }
          case .failed(let error): throw error
          }
        } catch let unusable as UnusableRecording { refuse(input, unusable) }
        bar.advance(label: input.name)
      }
    }
    bar.finish()
    guard failures < all.count else {
      throw IdiolectError(
        .invalidData,
        "none of \(all.count) recordings could be used; the first: \(quarantine.entries[0])")
    }
    try sink.finish()
    let what = statistics == nil ? "features" : "statistics"
    let summary = "\(output): \(what) of \(all.count - failures) recordings by \(preset.name)"
    if output == "-" { Failure.say(summary) } else { try StandardOutput.line(summary) }
    guard !quarantine.isEmpty else { return }
    let notes = output == "-" ? "features.quarantine.jsonl" : "\(output).quarantine.jsonl"
    try quarantine.write(to: notes)
    throw IdiolectError(
      .invalidData,
      "\(quarantine.count) recordings were left out, the others were written: \(notes)")
  }
}
