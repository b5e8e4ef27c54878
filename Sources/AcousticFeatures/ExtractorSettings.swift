import Basics
import Foundation

/// The settings of a feature extractor of transformers, as `preprocessor_config.json` has them.
struct ExtractorSettings {
  private let node: JSONNode
  /// Such as `WhisperFeatureExtractor`.
  let type: String

  /// Reads `processor_config.json` (the feature extractor nested) or `preprocessor_config.json`.
  ///
  /// - Parameter name: the file's name, for errors.
  /// - Throws: `.invalidModel` that names the file.
  init(_ data: Data, name: String) throws {
    try self.init(ExtractorSettings.parse(data, name))
  }

  /// Reads the file of a model directory that holds the front end's settings.
  ///
  /// - Throws: `.notFound` where there is neither file; `.invalidModel` that names it.
  init(modelDirectory: String) throws {
    var processor: JSONNode?
    for file in ["processor_config.json", "preprocessor_config.json"] {
      let path = "\(modelDirectory)/\(file)"
      guard let data = FileManager.default.contents(atPath: path) else { continue }
      let node = try ExtractorSettings.parse(data, path)
      // Older versions of transformers keep only the processor's own settings in the first file.
      if ["feature_extractor", "feature_extractor_type", "feature_size"].contains(where: {
        node[$0].exists
      }) {
        try self.init(node)
        return
      }
      processor = processor ?? node
    }
    guard let processor else {
      throw IdiolectError(
        .notFound,
        "\(modelDirectory): has neither processor_config.json nor preprocessor_config.json; copy it from the model's source"
      )
    }
    try self.init(processor)
  }

  private init(_ file: JSONNode) throws {
    let nested = file["feature_extractor"]
    node = nested.value == nil ? file : nested
    _ = try node.members()
    // The oldest files name none: there was wav2vec 2.0's alone, which has one number a frame.
    type = try node["feature_extractor_type"].string(
      default: node["feature_size"].value == .integer(1) ? "Wav2Vec2FeatureExtractor" : "missing")
  }

  private static func parse(_ data: Data, _ name: String) throws -> JSONNode {
    let value: JSONValue
    do { value = try JSONValue(parsing: data) } catch {
      throw IdiolectError(
        .invalidModel, "\(name): not JSON that can be read: \(error)", cause: error)
    }
    guard value.object != nil else {
      throw IdiolectError(.invalidModel, "\(name): it holds \(value.kind), not a JSON object")
    }
    return JSONNode(value, file: name)
  }

  /// An error that names the file.
  func refuse(_ why: String) -> IdiolectError {
    IdiolectError(.invalidModel, "\(node.file): \(why)")
  }

  /// What `body` makes of them; its errors name the file.
  func naming<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as IdiolectError {
      let isNamed = error.message.hasPrefix("\(node.file): ")
      throw isNamed ? IdiolectError(.invalidModel, error.message) : refuse(error.message)
    }
  }

  /// Hands over each setting that changes numbers.
  ///
  /// - Parameter use: returns nil for a setting that it does not know, and false for a value that it cannot follow.
  /// - Throws: `.invalidModel` that names the setting; what `use` throws.
  func read(_ use: (_ key: String, _ value: JSONNode) throws -> Bool?) throws {
    for (key, value) in try node.members() where !ExtractorSettings.harmless.contains(key) {
      let isFollowed: Bool?
      switch key {
      case "padding_side": isFollowed = try value.string() == "right"
      case "padding_value": isFollowed = try use(key, value) ?? (value.double() == 0)
      default: isFollowed = try use(key, value)
      }
      // What names things or shapes outputs changes no number; anything else might.
      guard let isFollowed else {
        throw refuse("unknown setting \(key), which may change the features")
      }
      guard isFollowed else {
        let text = value.value?.text(.compact) ?? "null"
        throw refuse("\(key) is \(text.prefix(80)), which this front end cannot do")
      }
    }
  }

  private static let harmless: Set<String> = [
    "feature_extractor_type", "processor_class", "return_attention_mask", "model_input_names",
    "auto_map", "name_or_path", "transformers_version", "_commit_hash", "language_code",
  ]
}
