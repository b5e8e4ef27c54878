import ArgumentParser
import Basics
import Idiolect

struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Writes the features of a recording as an array.",
    discussion: """
      A preset has its original's own defaults, at the recording's own rate; nemo, whisper, wav2vec2, \
      wav2vec2-bert, deepspeech and wavenet hear 16 kHz, and others' recordings are resampled to that. \
      The whole array is written, [frames, bins], float32; with --preset nemo its last frame is the \
      one of zeros that transformers' ParakeetFeatureExtractor adds too. A path that ends in \
      .safetensors gets one tensor named 'features', any other a .npy file.

      Presets: \(FeaturePreset.allCases.map(\.rawValue).joined(separator: ", ")).

      Examples:
        idiolect features clip.wav --preset nemo --output clip.npy
        idiolect features clip.flac --preset kaldi-mfcc --output clip.safetensors
        idiolect features clip.ogg --preset librosa-mfcc --output clip.npy
      """)

  @Argument(help: "The recording.")
  var clip: String

  @Option(help: ArgumentHelp("The convention, one of those above.", valueName: "name"))
  var preset = "nemo"

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where to write; what was there is replaced.", valueName: "path"))
  var output: String

  func run() throws {
    let preset = try FeaturePreset(named: preset)
    let rate = try AudioReader(clip).description.sampleRate
    guard (8000...192_000).contains(rate) else {
      throw IdiolectError(
        .unsupported,
        "\(clip): its rate is \(rate) Hz; features are made of 8,000 to 192,000 Hz, so resample it first"
      )
    }
    let frontEnd: any FrontEnd
    do {
      frontEnd = try preset.configuration(sampleRate: rate).frontEnd()
    } catch let error as IdiolectError {
      throw IdiolectError(
        error.code, "\(clip): \(preset.rawValue) at \(rate) Hz: \(error.message)", cause: error)
    }
    let samples = try readAudio(clip, sampleRate: frontEnd.sampleRate)
    let features: Features
    do {
      features = try frontEnd(samples)
    } catch let error as IdiolectError {
      throw IdiolectError(error.code, "\(clip): \(error.message)", cause: error)
    }
    let sharesOutput = StandardOutput.isFile(output)
    let shape = [features.frames, features.bins]
    if output.hasSuffix(".safetensors") {
      try SafetensorsWriter.write(
        [SafetensorsTensor("features", shape: shape) { features.values }], to: output)
    } else {
      try NumpyFile(shape: shape, values: features.values).write(to: output)
    }
    let summary =
      "\(output): \(features.frames) frames of \(features.bins), \(features.validFrames) valid, "
      + "\(Figures.milliseconds(frontEnd.hopSeconds)) apart"
    // An array that goes to standard output is not followed by a line of text.
    if sharesOutput { Failure.say(summary) } else { try StandardOutput.line(summary) }
  }
}
