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
  private let steps: [FeatureStep]
  /// Where steps have statistics of a corpus, the front end that those are of.
  private let expected: (fingerprint: String, file: String)?

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
    var steps: [FeatureStep] = []
    if options.deltas > 0 {
      steps.append(.deltas(Deltas(.kaldi, order: options.deltas)))
    }
    var expected: (String, String)?
    switch options.cmvn {
    case nil: break
    case "utterance": steps.append(.standardise(Standardisation(guarded: .variance(1e-10))))
    case "sliding": steps.append(.slidingNormalisation(SlidingNormalisation()))
    case let file?:
      guard let data = FileManager.default.contents(atPath: file) else {
        throw IdiolectError(
          .notFound,
          "\(file): no such file of statistics; --cmvn takes one that --statistics wrote, utterance or sliding"
        )
      }
      let statistics = try FeatureStatistics(data, name: file)
      steps.append(.affine(means: statistics.means, scales: statistics.scales))
      expected = (statistics.fingerprint, file)
    }
    self.steps = steps
    self.expected = expected
  }

  private static func base(_ name: String) throws -> Base {
    if let preset = FeaturePreset(rawValue: name) { return .preset(preset) }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: name, isDirectory: &isFolder) else {
      return .preset(try FeaturePreset(named: name))
    }
    if isFolder.boolValue { return .file(try FrontEndConfiguration(modelDirectory: name)) }
    guard let data = FileManager.default.contents(atPath: name) else {
      throw IdiolectError(.inputOutput, "\(name): cannot be read")
    }
    let isOurs = (try? JSONValue(parsing: data))?.object?["kind"] != nil
    return .file(
      try isOurs
        ? FrontEndConfiguration(json: data, name: name)
        : FrontEndConfiguration(huggingFace: data, name: name))
  }

  /// For recordings of a rate, in Hz.
  ///
  /// - Throws: `.invalidArgument` where what is joined or follows does not fit.
  func configuration(sampleRate: Int) throws -> FrontEndConfiguration {
    var result =
      switch base {
      case .preset(let preset): preset.configuration(sampleRate: sampleRate)
      case .file(let configuration): configuration
      }
    if hasPitch {
      let rate = try result.frontEnd().sampleRate
      result = .joined(
        JoinedConfiguration([result, FeaturePreset.kaldiPitch.configuration(sampleRate: rate)]))
    }
    guard !steps.isEmpty else { return result }
    // Statistics are of everything before them.
    let before = FrontEndConfiguration.pipeline(
      PipelineConfiguration(
        result, steps: steps.filter { if case .affine = $0 { false } else { true } }))
    if let expected {
      let made = try (steps.count > 1 ? before : result).frontEnd().fingerprint
      guard made == expected.fingerprint else {
        throw IdiolectError(
          .invalidArgument,
          "\(expected.file) has statistics of other features (\(expected.fingerprint), not \(made)); make them with the same --preset, --deltas, --pitch and sample rate"
        )
      }
    }
    return .pipeline(PipelineConfiguration(result, steps: steps))
  }

  /// Tells jobs apart: with the same one, the same features.
  var fingerprint: String {
    get throws {
      "\(try configuration(sampleRate: 16_000).frontEnd().fingerprint) \(idiolectVersion)"
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
      "Changes from frame to frame as well, as Kaldi makes them: 1, or 2 for changes of those.",
      valueName: "order"))
  var deltas = 0

  @Option(
    help: ArgumentHelp(
      "Normalise mean and deviation by utterance, mean in a sliding window (Kaldi's), or by a file that --statistics wrote.",
      valueName: "utterance|sliding|file"))
  var cmvn: String?

  func validate() throws {
    guard (0...4).contains(deltas) else { throw ValidationError("--deltas must be 0 to 4") }
  }
}
