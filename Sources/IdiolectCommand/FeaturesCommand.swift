import ArgumentParser
import Basics
import Idiolect

struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Writes the features of a recording as an array.",
    discussion: """
      The whole array is written, [frames, bins], float32; with --preset nemo its last frame is the \
      one of zeros that transformers' ParakeetFeatureExtractor adds too. A path that ends in \
      .safetensors gets one tensor named 'features', any other a .npy file.

      Presets: nemo (80 log-mel bins, normalised), kaldi-fbank (80 bands), kaldi-mfcc (13 coefficients).

      Examples:
        idiolect features clip.wav --preset nemo --output clip.npy
        idiolect features clip.flac --preset kaldi-mfcc --output clip.safetensors
      """)

  @Argument(help: "The recording.")
  var clip: String

  @Option(help: ArgumentHelp("nemo, kaldi-fbank or kaldi-mfcc.", valueName: "name"))
  var preset = "nemo"

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where to write; what was there is replaced.", valueName: "path"))
  var output: String

  func run() throws {
    let frontEnd = try frontEnd(named: preset)
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
