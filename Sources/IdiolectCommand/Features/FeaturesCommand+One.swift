import Basics
import Foundation
import Idiolect

extension FeaturesCommand {
  /// One recording's array, comparison, picture or sound.
  func writeOne(_ clip: String, _ preset: FeatureConvention) throws {
    if let invert {
      let rate = try AudioReader(clip).description.sampleRate
      let inversion = try SpectrogramInversion(preset.configuration(sampleRate: rate))
      let sound = try inversion(readAudio(clip, sampleRate: inversion.sampleRate))
      let peak = sound.reduce(0) { max($0, abs($1)) }
      // Phases that do not agree may add up beyond full scale.
      try AudioWriter.write(
        peak > 1 ? sound.map { $0 / peak } : sound, sampleRate: inversion.sampleRate, to: invert)
      try StandardOutput.line("\(invert): what \(preset.name) keeps")
    }
    if let picture {
      let rate = try AudioReader(clip).description.sampleRate
      let configuration = try preset.configuration(sampleRate: rate)
      let heard = try configuration.frontEnd().sampleRate
      let title =
        "\(URL(fileURLWithPath: clip).lastPathComponent)   \(preset.name)   \(heard) Hz"
      let drawn = try SoundPicture(of: configuration, title: title) { consume in
        let reader = try AudioReader(clip, sampleRate: heard)
        while let block = try reader.next(maximumFrames: 65_536) { try consume(block) }
      }
      try AtomicFile.write(drawn.png(), to: picture)
      try StandardOutput.line("\(picture): \(clip) as \(preset.name) hears it")
    }
    guard output != nil || compare != nil else { return }
    let (frontEnds, input) = (PresetFrontEnds(preset), FeatureInput(name: "features", path: clip))
    do {
      let (passes, _) = try frontEnds.passes(for: input)
      if let compare {
        let other = try NumpyFile(path: compare)
        let features = try frontEnds.features(passes, input)
        try StandardOutput.line(FeatureDifference(features, other, name: compare).line)
      }
      guard let output else { return }
      let sharesOutput = StandardOutput.isFile(output)
      var counts = (total: 0, valid: 0)
      if output.hasSuffix(".safetensors") {
        let sink = try FeatureSink(output, fingerprint: "one")
        try sink.add(input.name, passes.frontEnd) {
          counts = try frontEnds.make(passes, input, $0)
          return counts
        }
        try sink.finish()
      } else {
        try NumpyFile.write(to: output) {
          counts = try frontEnds.make(passes, input, $0)
          return [counts.total, passes.frontEnd.bins]
        }
      }
      let summary =
        "\(output): \(counts.total) frames of \(passes.frontEnd.bins), \(counts.valid) valid"
      // An array that goes to standard output is not followed by a line of text.
      if sharesOutput { Failure.say(summary) } else { try StandardOutput.line(summary) }
    } catch let unusable as UnusableRecording {
      throw unusable.error
    }
  }
}
