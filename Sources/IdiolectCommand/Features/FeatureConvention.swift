import Basics
import Foundation
import Idiolect

/// What `--preset` names: a preset, or a checkpoint's own settings.
enum FeatureConvention: Sendable {
  case preset(FeaturePreset)
  case file(String, FrontEndConfiguration)

  /// - Parameter name: of a preset; else a model's directory, or its `preprocessor_config.json`.
  /// - Throws: `.invalidArgument` that lists the presets; `.invalidModel` where the file cannot be followed.
  init(named name: String) throws {
    if let preset = FeaturePreset(rawValue: name) {
      self = .preset(preset)
      return
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: name, isDirectory: &isFolder) else {
      self = .preset(try FeaturePreset(named: name))
      return
    }
    if isFolder.boolValue {
      self = .file(name, try FrontEndConfiguration(modelDirectory: name))
    } else {
      guard let data = FileManager.default.contents(atPath: name) else {
        throw IdiolectError(.inputOutput, "\(name): cannot be read")
      }
      self = .file(name, try FrontEndConfiguration(huggingFace: data, name: name))
    }
  }

  var name: String {
    switch self {
    case .preset(let preset): preset.rawValue
    case .file(let name, _): name
    }
  }

  /// For recordings of a rate, in Hz.
  func configuration(sampleRate: Int) -> FrontEndConfiguration {
    switch self {
    case .preset(let preset): preset.configuration(sampleRate: sampleRate)
    case .file(_, let configuration): configuration
    }
  }

  /// Tells jobs apart: with the same one, the same features.
  var fingerprint: String {
    get throws {
      switch self {
      case .preset(let preset): "\(preset.rawValue) \(idiolectVersion)"
      case .file(_, let configuration):
        "\(try configuration.frontEnd().fingerprint) \(idiolectVersion)"
      }
    }
  }
}
