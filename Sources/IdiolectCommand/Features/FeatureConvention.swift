import ArgumentParser
import Basics
import Foundation
import Idiolect

/// What features are made of: a preset or a checkpoint's own settings, and what follows.
struct FeatureConvention: Sendable {
  /// As it was named.
  let name: String
  private let base: Base
  private let hasPitch: Bool
  private let normalisation: FeatureStep?
  private let deltas: Int
  /// Where the normalisation is by a corpus: the front end that its statistics are of, and their file.
  private let measured: (fingerprint: String, file: String)?

  private enum Base {
    case preset(FeaturePreset)
    case file(FrontEndConfiguration)
  }

  /// - Throws: `.invalidArgument` that lists the presets; `.invalidModel` or `.invalidData` where a file cannot be
  ///   followed.
  init(_ options: FeatureConventionOptions) throws {
    name = options.preset
    base = try FeatureConvention.base(options.preset)
    hasPitch = options.pitch
    deltas = options.deltas
    switch options.cmvn {
    case nil: (normalisation, measured) = (nil, nil)
    case "utterance":
      normalisation = .standardise(Standardisation(isUnbiased: false, guarded: .variance(1e-10)))
      measured = nil
    case "sliding": (normalisation, measured) = (.slidingNormalisation(SlidingNormalisation()), nil)
    case let file?:
      guard let data = FileManager.default.contents(atPath: file) else {
        throw IdiolectError(
          .notFound,
          "\(file): no such file of statistics; --cmvn takes one that --statistics wrote, utterance or sliding"
        )
      }
      let statistics = try FeatureStatistics(data, name: file)
      normalisation = .affine(means: statistics.means, scales: statistics.scales)
      measured = (statistics.fingerprint, file)
    }
  }

  private static func base(_ name: String) throws -> Base {
    if let preset = FeaturePreset(rawValue: name) { return .preset(preset) }
    // A name that is of no file is one that was misspelt.
    guard FilePath.isFolder(name) != nil else { return .preset(try FeaturePreset(named: name)) }
    return .file(try FrontEndConfiguration(path: name))
  }

  /// What statistics are of: everything before normalisation and deltas, as Kaldi's recipes have it.
  ///
  /// - Parameter sampleRate: of the recordings, in Hz.
  /// - Throws: `.unsupported` for a rate of which no features are made; `.invalidArgument` where pitch cannot be joined.
  func unnormalised(sampleRate: Int) throws -> FrontEndConfiguration {
    // Also where a preset resamples: what is heard of a telephone's half is no speech.
    guard FrontEndConfiguration.sampleRates.contains(sampleRate) else {
      let (least, most) = (
        FrontEndConfiguration.sampleRates.lowerBound, FrontEndConfiguration.sampleRates.upperBound
      )
      throw IdiolectError(
        .invalidAudio,
        "features are made of recordings of \(Figures.count(least)) to \(Figures.count(most)) Hz; resample it first"
      )
    }
    let result =
      switch base {
      case .preset(let preset): preset.configuration(sampleRate: sampleRate)
      case .file(let configuration): configuration
      }
    guard hasPitch else { return result }
    let rate = try result.frontEnd().sampleRate
    return .joined(
      JoinedConfiguration([result, FeaturePreset.kaldiPitch.configuration(sampleRate: rate)]))
  }

  /// For recordings of a rate, in Hz.
  ///
  /// - Throws: `.invalidArgument` where what is joined or follows does not fit.
  func configuration(sampleRate: Int) throws -> FrontEndConfiguration {
    let before = try unnormalised(sampleRate: sampleRate)
    if let measured {
      let made = try before.frontEnd().fingerprint
      guard made == measured.fingerprint else {
        throw IdiolectError(
          .invalidArgument,
          "\(measured.file) has statistics of other features (\(measured.fingerprint), not \(made)); make them with the same --preset, --pitch and sample rate"
        )
      }
    }
    return steps.isEmpty ? before : .pipeline(PipelineConfiguration(before, steps: steps))
  }

  private var steps: [FeatureStep] {
    [normalisation, deltas > 0 ? .deltas(Deltas(.kaldi, order: deltas)) : nil].compactMap { $0 }
  }

  /// Tells conventions apart: the same one makes the same features of the same recording.
  var fingerprint: String {
    get throws {
      let before = try unnormalised(sampleRate: 16_000).frontEnd().fingerprint
      return "\(before) \(stableFingerprint("steps", steps)) \(idiolectVersion)"
    }
  }
}

/// Which features.
struct FeatureConventionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The convention: one of those above, what a checkpoint says, by its directory or preprocessor_config.json, or a file of settings (--describe).",
      valueName: "name"))
  var preset = "nemo"

  @Flag(help: "Kaldi's pitch beside them: voicing, pitch and its change.")
  var pitch = false

  @Option(
    help: ArgumentHelp(
      "Normalise, before deltas: mean and deviation of the utterance, the mean in a sliding window (Kaldi's), or by a file that --statistics wrote.",
      valueName: "utterance|sliding|file"))
  var cmvn: String?

  @Option(
    help: ArgumentHelp(
      "Changes from frame to frame as well, as Kaldi makes them: 1, 2 with the changes of those, up to 4; 0 for none.",
      valueName: "order"))
  var deltas = 0

  /// The files that these name.
  var files: [String] {
    var files: [String] = []
    if FeaturePreset(rawValue: preset) == nil {
      files =
        FilePath.isFolder(preset) == true
        ? ["processor_config.json", "preprocessor_config.json"].map { FilePath.join(preset, $0) }
        : [preset]
    }
    if let cmvn, !["utterance", "sliding"].contains(cmvn) { files.append(cmvn) }
    return files
  }

  func validate() throws {
    guard (0...4).contains(deltas) else { throw ValidationError("--deltas must be 0 to 4") }
  }
}
