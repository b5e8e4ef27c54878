import ArgumentParser
import Basics
import Foundation
import Idiolect
import Transcription

struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Writes the features of recordings as arrays.",
    discussion: """
      A preset has its original's own defaults, at the recording's own rate; nemo, whisper, wav2vec2, \
      wav2vec2-bert, deepspeech and wavenet hear 16 kHz, and others' recordings are resampled to that. \
      The whole array is written, [frames, bins], float32; with --preset nemo its last frame is the \
      one of zeros that transformers' ParakeetFeatureExtractor adds too.

      One recording goes to a .npy file, or to .safetensors as a tensor named 'features'. Several, folders or \
      manifests (.jsonl) go to one file of the kind its name ends with (.safetensors with a tensor each; .ark, \
      which Kaldi's tools read, with its .scp; .jsonl, '-' for standard output), else to a folder of .npy files. \
      A job that was killed goes on where it stopped when it is given again; what cannot be used is named in \
      OUTPUT.quarantine.jsonl, and the exit code is 65.

      Presets: \(FeaturePreset.allCases.map(\.rawValue).joined(separator: ", ")).

      Examples:
        idiolect features clip.wav --preset nemo --output clip.npy
        idiolect features clip.ogg --preset librosa-mfcc --output clip.npy
        idiolect features clip.wav --preset whisper --compare from-python.npy
        idiolect features clip.wav --preset model/preprocessor_config.json --output clip.npy
        idiolect features clip.wav --picture clip.png
        idiolect features recordings/ --preset kaldi-fbank --output features.ark
        idiolect features train.jsonl --preset kaldi-mfcc --deltas 2 --statistics global.json
        idiolect features train.jsonl --preset kaldi-mfcc --deltas 2 --cmvn global.json --output train.ark
        idiolect features train.jsonl --preset whisper --output train.safetensors
      """)

  @Argument(help: "Recordings, folders of them, or manifests.")
  var inputs: [String]

  @OptionGroup var convention: FeatureConventionOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where to write; what was there is replaced.", valueName: "path"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Say how far the features of one recording are from those of a .npy file, and where.",
      valueName: "path"))
  var compare: String?

  @Option(
    help: ArgumentHelp(
      "Write what the front end keeps of one recording as sound (Griffin and Lim): a WAV file.",
      valueName: "path"))
  var invert: String?

  @Option(
    help: ArgumentHelp(
      "Draw one recording's waveform, spectrogram and the preset's mel bands: a PNG file.",
      valueName: "path"))
  var picture: String?

  @Option(
    help: ArgumentHelp(
      "Write mean and variance of each bin over all recordings, for --cmvn: a JSON file.",
      valueName: "path"))
  var statistics: String?

  @Option(help: ArgumentHelp("Threads to use (default: all cores).", valueName: "n"))
  var threads: Int?

  func validate() throws {
    guard !inputs.isEmpty else { throw ValidationError("give at least one recording") }
    guard
      output != nil || compare != nil || invert != nil || picture != nil || statistics != nil
    else { throw ValidationError("give --output, --compare, --invert, --picture or --statistics") }
    guard statistics == nil || output == nil else {
      throw ValidationError("--statistics and --output are two jobs: first the one, then the other")
    }
  }

  func run() throws {
    let preset = try FeatureConvention(convention)
    var isFolder: ObjCBool = false
    let isOne =
      inputs.count == 1 && !inputs[0].hasSuffix(".jsonl")
      && !(FileManager.default.fileExists(atPath: inputs[0], isDirectory: &isFolder)
        && isFolder.boolValue)
    let ending = output?.split(separator: ".").last.map(String.init) ?? ""
    if isOne && !["ark", "jsonl"].contains(ending) && output != "-" && statistics == nil {
      return try writeOne(inputs[0], preset)
    }
    guard compare == nil, invert == nil, picture == nil, let target = output ?? statistics else {
      throw ValidationError("--compare, --invert and --picture are for one recording")
    }
    try EngineOptions.setThreads(threads)
    try writeMany(preset, to: target)
  }

  private func writeOne(_ clip: String, _ preset: FeatureConvention) throws {
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

  /// Recordings that are worked on before their features are written, in order.
  private static let window = 32

  private enum Work: Sendable {
    case done(Features, FeaturePasses)
    case later(FeaturePasses)
    case failed(any Error)
  }

  private func writeMany(_ preset: FeatureConvention, to output: String) throws {
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
