import Basics
import Foundation
import Idiolect
import Transcription

extension FeaturesCommand {
  /// Recordings that are looked at together, and how many seconds of them are worked on side by side: their features
  /// are held until they are written, in order.
  private static let (window, windowSeconds) = (32, 960.0)

  private enum Work: Sendable {
    case done(Features, FeaturePasses)
    /// What is long is made when it is written, so that it is never all in memory.
    case later(FeaturePasses)
    case failed(any Error)
  }

  /// The features of recordings, folders and manifests; what cannot be used is set aside.
  func writeMany(_ preset: FeatureConvention, to output: String) throws {
    var quarantine = Quarantine()
    let all = try FeatureInput.expand(inputs, quarantine: &quarantine)
    let frontEnds = PresetFrontEnds(preset, normalises: statistics == nil)
    // Before a sink is made, which takes the place of what another job left unfinished.
    if let statistics {
      try FeaturesCommand.refuseUnwritable(statistics)
    } else {
      try FeaturesCommand.refuseLikeNames(all, in: output)
      if FeatureOutput(output) == .archive {
        try FeaturesCommand.refuseUnwritable(FeatureSink.index(of: output))
      }
    }
    let sink =
      try statistics.map { FeatureSink(statistics: $0) }
      ?? FeatureSink(
        output, names: all.map(\.name),
        fingerprint: "\(preset.fingerprint) \(FeatureInput.fingerprint(all))")
    let notes = output == "-" ? nil : FeatureSink.notes(of: output)
    let done = sink.done
    let left = all.filter { !done.contains($0.name) }
    if left.count < all.count {
      let done = all.count - left.count
      Failure.say("done already: \(done) of \(Figures.count(all.count, "recording"))")
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
    func write(_ input: FeatureInput, _ work: Work) throws {
      switch work {
      case .done(let features, let passes):
        try sink.add(input.name, passes.frontEnd) {
          try $0(features.values)
          return (features.frames, features.validFrames)
        }
      case .later(let passes):
        var samples = 0
        func show(_ count: Int) {
          samples += count
          let read = ProgressBar.duration(Double(samples) / Double(passes.frontEnd.sampleRate))
          bar.advance(by: 0, label: "\(input.name), \(read) read")
        }
        try sink.add(input.name, passes.frontEnd) {
          try frontEnds.make(passes, input, onRead: show, $0)
        }
      case .failed(let error): throw error
      }
    }
    for start in stride(from: 0, to: left.count, by: FeaturesCommand.window) {
      let part = Array(left[start..<min(start + FeaturesCommand.window, left.count)])
      let opened = try parallelMap(part) { input in Result { try frontEnds.passes(for: input) } }
      let lengths = opened.map { opened in
        (try? opened.get()).map { $0.seconds ?? .infinity } ?? 0
      }
      for run in FeaturesCommand.runs(of: lengths) {
        let made = try parallelMap(Array(run)) { index -> Work in
          do {
            let (passes, seconds) = try opened[index].get()
            guard run.count > 1 || (seconds ?? .infinity) <= 60 else { return .later(passes) }
            return .done(try frontEnds.features(passes, part[index]), passes)
          } catch { return .failed(error) }
        }
        for (index, work) in zip(run, made) {
          do { try write(part[index], work) } catch let unusable as UnusableRecording {
            refuse(part[index], unusable)
          }
          bar.advance(label: part[index].name)
        }
      }
    }
    bar.finish()
    if let notes {
      // Nothing of an earlier run that had other faults.
      unlink(notes)
      if !quarantine.isEmpty { try quarantine.write(to: notes) }
    } else if !quarantine.isEmpty {
      Failure.say(quarantine.summary(limit: .max))
    }
    guard failures < all.count else {
      sink.abandon()
      throw IdiolectError(
        .invalidData,
        "none of \(Figures.count(all.count, "recording")) could be used; the first: \(quarantine.entries[0])"
      )
    }
    try sink.finish(preset: preset.name)
    let what = statistics == nil ? "features" : "statistics"
    let used = Figures.count(all.count - failures, "recording")
    let summary = "\(output): \(what) of \(used) by \(preset.name)"
    if output == "-" { Failure.say(summary) } else { try StandardOutput.line(summary) }
    guard !quarantine.isEmpty else { return }
    throw IdiolectError(
      .invalidData,
      "\(Figures.count(quarantine.count, "recording")) left out, the others written\(notes.map { ": \($0)" } ?? "")"
    )
  }

  /// Neighbours that are worked on side by side: so many that they last no longer than `windowSeconds`, or one alone.
  private static func runs(of seconds: [Double]) -> [Range<Int>] {
    var (runs, first, sum) = ([Range<Int>](), 0, 0.0)
    for (index, length) in seconds.enumerated() {
      if index > first, sum + length > windowSeconds {
        runs.append(first..<index)
        (first, sum) = (index, 0)
      }
      sum += length
    }
    return first < seconds.count ? runs + [first..<seconds.count] : runs
  }

  /// What could only be found out when all the work was done.
  private static func refuseUnwritable(_ path: String) throws {
    let folder = FilePath.directory(of: AtomicFile.target(of: path))
    guard access(folder.isEmpty ? "." : folder, W_OK) == 0, FilePath.isFolder(path) != true else {
      throw IdiolectError(
        .inputOutput,
        "\(path): cannot be written there; choose a file in a folder that you can write to")
    }
  }

  /// - Throws: `.invalidArgument` where two recordings would take each other's place, or one a place that is not its.
  private static func refuseLikeNames(
    _ inputs: [FeatureInput], in output: String
  ) throws {
    var taken: [String: String] = [:]
    for input in inputs {
      let place = FeatureSink.place(of: input.name, in: output)
      if let other = taken.updateValue(input.path, forKey: place) {
        throw IdiolectError(
          .invalidArgument,
          "\(other) and \(input.path) would both be '\(place)' in \(output); name each recording once, or give each an id of its own in a manifest"
        )
      }
    }
    let kind = FeatureOutput(output)
    if kind == .safetensors, let path = taken["__metadata__"] {
      throw IdiolectError(
        .invalidArgument,
        "\(path): '__metadata__' is no name for a tensor in \(output); give it another id in the manifest"
      )
    }
    guard ![.safetensors, .archive, .lines].contains(kind) else { return }
    for (place, path) in taken {
      var folder = FilePath.directory(of: place)
      while !folder.isEmpty, folder != "/", folder != "." {
        if let other = taken[folder] {
          throw IdiolectError(
            .invalidArgument,
            "\(other) would be the file \(folder), and \(path) lie in a folder of that name; give one of them another id in a manifest"
          )
        }
        let next = FilePath.directory(of: folder)
        guard next != folder else { break }
        folder = next
      }
    }
  }
}
