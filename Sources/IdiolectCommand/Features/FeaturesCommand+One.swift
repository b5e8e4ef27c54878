import Basics
import Foundation
import Idiolect

extension FeaturesCommand {
  /// One recording's array, comparison, picture or sound.
  func writeOne(_ clip: String, _ preset: FeatureConvention) throws {
    let (frontEnds, input) = (PresetFrontEnds(preset), FeatureInput(name: "features", path: clip))
    var fault: IdiolectError?
    do {
      let (passes, seconds) = try frontEnds.passes(for: input)
      if let invert {
        let inversion = try frontEnds.naming(input) {
          try SpectrogramInversion(passes.configuration)
        }
        try AudioWriter.check(invert, sampleRate: inversion.outputSampleRate)
        try frontEnds.naming(input) { try write(sound: clip, by: inversion, to: invert) }
      }
      if let picture {
        try frontEnds.naming(input) { try write(picture: clip, passes, preset, to: picture) }
      }
      if let compare {
        let other = try NumpyFile(path: compare)
        let progress = ReadingProgress(passes, seconds: seconds)
        let features = try frontEnds.features(passes, input, onRead: progress.add)
        progress.finish()
        let difference = try FeatureDifference(features, other, name: compare)
        try StandardOutput.line(difference.line)
        fault = tolerance.flatMap { difference.fault(beyond: $0) }
      }
      if let output {
        let progress = ReadingProgress(passes, seconds: seconds)
        try write(to: output, of: passes, preset) {
          defer { progress.finish() }
          return try frontEnds.make(passes, input, onRead: progress.add, $0)
        }
      }
    } catch let unusable as UnusableRecording {
      throw unusable.error
    }
    // Last, for the array is wanted all the same.
    if let fault { throw fault }
  }

  private func write(
    to output: String, of passes: FeaturePasses, _ preset: FeatureConvention,
    _ make: FeatureSink.Maker
  ) throws {
    let sharesOutput = StandardOutput.isFile(output)
    let bins = passes.frontEnd.bins
    var counts = (total: 0, valid: 0)
    if FeatureOutput(output) == .safetensors {
      try SafetensorsWriter.write("features", to: output) {
        counts = try make($0)
        let metadata = FeatureSink.metadata(
          preset: preset.name, [("features", passes.frontEnd.fingerprint, counts.valid)])
        return ([counts.total, bins], metadata)
      }
    } else {
      try NumpyFile.write(to: output) {
        counts = try make($0)
        return [counts.total, bins]
      }
    }
    let summary = "\(output): \(counts.total) frames of \(bins), \(counts.valid) valid"
    // An array that goes to standard output is not followed by a line of text.
    if sharesOutput { Failure.say(summary) } else { try StandardOutput.line(summary) }
  }

  private func write(
    sound clip: String, by inversion: SpectrogramInversion, to path: String
  ) throws {
    // A second more than is taken, so that what is longer is refused and not cut.
    let sound = try inversion(
      readAudio(
        clip, sampleRate: inversion.sampleRate,
        durationSeconds: SpectrogramInversion.longestSeconds + 1))
    let peak = sound.reduce(0) { max($0, abs($1)) }
    // Phases that do not agree may add up beyond full scale.
    try AudioWriter.write(
      peak > 1 ? sound.map { $0 / peak } : sound, sampleRate: inversion.outputSampleRate, to: path)
    try StandardOutput.line("\(path): what \(convention.preset) keeps")
  }

  private func write(
    picture clip: String, _ passes: FeaturePasses, _ preset: FeatureConvention, to path: String
  ) throws {
    let heard = passes.frontEnd.sampleRate
    let title = "\(URL(fileURLWithPath: clip).lastPathComponent)   \(preset.name)   \(heard) Hz"
    let drawn = try SoundPicture(of: passes.configuration, title: title) { consume in
      let reader = try AudioReader(clip, sampleRate: heard)
      while let block = try reader.next(maximumFrames: 65_536) { try consume(block) }
    }
    try AtomicFile.write(drawn.png(), to: path)
    try StandardOutput.line("\(path): \(clip) as \(preset.name) hears it")
  }

  /// Every setting, as a file that people change; for 16 kHz, or for the rate of the recording that was given.
  func writeSettings(_ preset: FeatureConvention) throws {
    let rate = try inputs.first.map { try AudioReader($0).description.sampleRate } ?? 16_000
    let settings: String
    do {
      let configuration = try preset.configuration(sampleRate: rate)
      _ = try configuration.frontEnd()
      settings = try configuration.json()
    } catch let error as IdiolectError {
      let place = inputs.first.map { "\($0): at \(rate) Hz: " } ?? ""
      throw IdiolectError(error.code, place + error.message, cause: error)
    }
    guard let output, output != "-" else { return try StandardOutput.line(settings) }
    let sharesOutput = StandardOutput.isFile(output)
    try AtomicFile.write(settings + "\n", to: output)
    if !sharesOutput { try StandardOutput.line("\(output): every setting of \(preset.name)") }
  }
}
