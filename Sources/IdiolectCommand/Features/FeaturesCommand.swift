import ArgumentParser
import Basics
import Foundation
import Idiolect

struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Writes the features of recordings as arrays.",
    discussion: """
      A preset has its original's own defaults, at the recording's own rate; nemo, whisper, wav2vec2, \
      wav2vec2-bert, deepspeech and wavenet hear 16 kHz, and recordings of other rates are resampled to that, \
      but that wavenet takes every third sample of 48 kHz, as its original did. kaldi-fbank has 80 bands, \
      which the networks that hear it have; Kaldi's own default is 23. \
      The whole array is written, [frames, bins], float32; with --preset nemo its last frame is the \
      one of zeros that transformers' ParakeetFeatureExtractor adds too.

      One recording goes to a .npy file, or to .safetensors as a tensor named 'features'. Several, folders or \
      manifests (.jsonl) go to one file of the kind its name ends with (.safetensors with a tensor each; .ark, \
      which Kaldi's tools read, with its .scp; .jsonl, '-' for standard output), else to a folder of .npy files, \
      by the name of each recording (clip.wav.npy) or its id in the manifest. \
      A job that was killed goes on where it stopped when it is given again; what cannot be used is named in \
      OUTPUT.quarantine.jsonl, and the exit code is 65.

      Presets: \(FeaturePreset.allCases.map(\.rawValue).joined(separator: ", ")).

      Examples:
        idiolect features clip.wav --preset nemo --output clip.npy
        idiolect features clip.ogg --preset librosa-mfcc --output clip.npy
        idiolect features clip.wav --preset whisper --compare from-python.npy
        idiolect features clip.wav --compare before.npy --tolerance 1e-4
        idiolect features clip.wav --preset model/ --output clip.npy
        idiolect features --preset librosa-mel --describe --output mine.json
        idiolect features clip.wav --preset mine.json --output clip.npy
        idiolect features clip.wav --picture clip.png
        idiolect features recordings/ --preset kaldi-fbank --output features.ark
        idiolect features a.jsonl --preset kaldi-mfcc --statistics all.json
        idiolect features a.jsonl --preset kaldi-mfcc --cmvn all.json -o a.ark
        idiolect features train.jsonl --preset whisper --output train.safetensors
      """)

  @Argument(help: "Recordings, folders of them, or manifests.")
  var inputs: [String] = []

  @OptionGroup var convention: FeatureConventionOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where to write; what was there is replaced, but for other files in a folder.",
      valueName: "path"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Say how far the features of one recording are from those of a .npy file, and where.",
      valueName: "path"))
  var compare: String?

  @Option(
    help: ArgumentHelp(
      "Exit with 1 where --compare finds a difference of more than this share of the largest value, or values that are not finite.",
      valueName: "share"))
  var tolerance: Double?

  @Option(
    help: ArgumentHelp(
      "Write what the front end keeps of one recording as sound (Griffin and Lim): .wav, .flac, .opus or .ogg.",
      valueName: "path"))
  var invert: String?

  @Option(
    help: ArgumentHelp(
      "Draw one recording's waveform, spectrogram and the preset's mel bands: a .png file.",
      valueName: "path"))
  var picture: String?

  @Option(
    help: ArgumentHelp(
      "Write mean and variance of each bin over all recordings, for --cmvn: a JSON file.",
      valueName: "path"))
  var statistics: String?

  @Flag(
    help: ArgumentHelp(
      "Print every setting as JSON, or write it to --output: --preset takes it again when it was changed. For 16 kHz, or for the rate of a recording that is given."
    ))
  var describe = false

  @Option(help: ArgumentHelp("Threads to use (default: all cores).", valueName: "n"))
  var threads: Int?

  func validate() throws {
    if describe {
      guard [compare, invert, picture, statistics].allSatisfy({ $0 == nil }), inputs.count <= 1
      else {
        throw ValidationError("--describe goes alone, or with one recording and --output")
      }
      return
    }
    guard !inputs.isEmpty else { throw ValidationError("give at least one recording") }
    guard
      output != nil || compare != nil || invert != nil || picture != nil || statistics != nil
    else { throw ValidationError("give --output, --compare, --invert, --picture or --statistics") }
    guard statistics == nil || [output, compare, invert, picture].allSatisfy({ $0 == nil }) else {
      throw ValidationError("--statistics goes alone: first the one job, then the other")
    }
    guard statistics == nil || (convention.cmvn == nil && convention.deltas == 0) else {
      throw ValidationError(
        "--statistics is of features before --cmvn and --deltas: leave these out, and give them with the file that it writes"
      )
    }
    if let tolerance {
      guard compare != nil, tolerance >= 0 else {
        throw ValidationError("--tolerance is a share of 0 or more, and goes with --compare")
      }
    }
    if let picture, !picture.lowercased().hasSuffix(".png") {
      throw ValidationError("--picture writes a PNG file: '\(picture)' must end in .png")
    }
    if case .other(let ending)? = output.map(FeatureOutput.init) {
      throw ValidationError(
        "--output ends in .npy, .safetensors, .ark or .jsonl, not .\(ending); a folder ends in /")
    }
  }

  func run() throws {
    let preset = try FeatureConvention(convention)
    try refuseCollisions()
    if describe { return try writeSettings(preset) }
    try EngineOptions.setThreads(threads)
    let isOne = inputs.count == 1 && FeatureInput.isRecording(inputs[0])
    let kind = output.map(FeatureOutput.init)
    if isOne, statistics == nil, [nil, .array, .safetensors, .plain].contains(kind) {
      return try writeOne(inputs[0], preset)
    }
    guard compare == nil, invert == nil, picture == nil, let target = output ?? statistics else {
      throw ValidationError("--compare, --invert and --picture are for one recording")
    }
    guard kind != .array else {
      throw ValidationError(
        "\(target): a .npy file holds one recording; give a folder, .safetensors, .ark or .jsonl")
    }
    try writeMany(preset, to: target)
  }
}
