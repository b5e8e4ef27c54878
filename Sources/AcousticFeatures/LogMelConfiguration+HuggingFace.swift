import Basics
public import Foundation

/// The configuration as `ParakeetFeatureExtractor` of transformers reads and writes it.
extension LogMelConfiguration {
  /// Reads `processor_config.json` (the feature extractor nested) or `preprocessor_config.json`.
  ///
  /// - Parameter name: the file's name, for errors.
  /// - Throws: `.invalidModel` that names the file and the key: another feature extractor, a setting
  ///   that this front end has no counterpart for, a value of the wrong type or range.
  public init(huggingFace data: Data, name: String = "preprocessor_config.json") throws {
    try self.init(LogMelConfiguration.parse(data, name))
  }

  /// Reads the file of a model directory that holds the front end's settings.
  ///
  /// - Throws: `.notFound` where there is neither file; as `init(huggingFace:name:)`.
  public init(modelDirectory: String) throws {
    var processor: JSONNode?
    for file in ["processor_config.json", "preprocessor_config.json"] {
      let path = "\(modelDirectory)/\(file)"
      guard let data = FileManager.default.contents(atPath: path) else { continue }
      let node = try LogMelConfiguration.parse(data, path)
      // Older versions of transformers keep only the processor's own settings in the first file.
      if node["feature_extractor"].exists || node["feature_extractor_type"].exists {
        try self.init(node)
        return
      }
      processor = processor ?? node
    }
    if let processor {
      try self.init(processor)
      return
    }
    throw IdiolectError(
      .notFound,
      "\(modelDirectory): has neither processor_config.json nor preprocessor_config.json; copy it from the model's source"
    )
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

  private init(_ file: JSONNode) throws {
    self.init()
    do {
      let nested = file["feature_extractor"]
      try read(nested.value == nil ? file : nested)
      try validate()
    } catch let error as IdiolectError {
      let isNamed = error.message.hasPrefix("\(file.file): ")
      throw IdiolectError(
        .invalidModel, isNamed ? error.message : "\(file.file): \(error.message)")
    }
  }

  private mutating func read(_ settings: JSONNode) throws {
    func refuse(_ why: String) -> IdiolectError {
      IdiolectError(.invalidModel, "\(settings.file): \(why)")
    }
    _ = try settings.members()
    let type = try settings["feature_extractor_type"].string(default: "missing")
    guard type == "ParakeetFeatureExtractor" else {
      throw refuse("feature_extractor_type is \(type); only ParakeetFeatureExtractor is known")
    }
    for (key, node) in try settings.members() {
      func require(_ holds: Bool) throws {
        guard holds else {
          let text = node.value?.text(.compact) ?? "null"
          throw refuse("\(key) is \(text), which this front end cannot do")
        }
      }
      switch key {
      case "feature_size": melBins = try node.int()
      case "sampling_rate": sampleRate = try node.int()
      case "hop_length": hopLength = try node.int()
      case "n_fft": fftLength = try node.int()
      case "win_length": windowLength = try node.int()
      case "preemphasis": preemphasis = try node.double(default: 0)
      case "padding_value": try require(try node.double() == 0)
      case "padding_side": try require(try node.string() == "right")
      case "do_normalize": try require(!(try node.bool(default: false)))
      default:
        // What names things or shapes outputs changes no number; anything else might.
        guard LogMelConfiguration.harmlessKeys.contains(key) else {
          throw refuse("unknown setting \(key), which may change the features")
        }
      }
    }
  }

  private static let harmlessKeys: Set<String> = [
    "feature_extractor_type", "processor_class", "return_attention_mask", "model_input_names",
    "auto_map", "name_or_path", "transformers_version", "_commit_hash",
  ]

  /// The settings of the feature extractor, as `save_pretrained` writes them.
  private func huggingFace() throws -> JSONValue {
    var plain = LogMelConfiguration()
    plain.sampleRate = sampleRate
    plain.melBins = melBins
    plain.fftLength = fftLength
    plain.windowLength = windowLength
    plain.hopLength = hopLength
    plain.preemphasis = preemphasis
    guard self == plain else {
      throw IdiolectError(
        .unsupported,
        "this log-mel front end has settings that ParakeetFeatureExtractor lacks (window, band edges, offsets or normalisation)"
      )
    }
    return [
      "feature_extractor_type": "ParakeetFeatureExtractor", "feature_size": .integer(melBins),
      "hop_length": .integer(hopLength), "n_fft": .integer(fftLength), "padding_side": "right",
      "padding_value": 0.0, "preemphasis": .number(preemphasis), "return_attention_mask": true,
      "sampling_rate": .integer(sampleRate), "win_length": .integer(windowLength),
    ]
  }

  /// The text of `processor_config.json` with this feature extractor nested, as transformers 5 writes it.
  ///
  /// Says that decoding is CTC, which transformers otherwise guesses from the vocabulary.
  ///
  /// - Throws: `.unsupported` where a setting has no place in that layout.
  public func processorConfiguration() throws -> Data {
    let object: JSONValue = [
      "decoder_type": "ctc", "feature_extractor": try huggingFace(),
      "processor_class": "ParakeetProcessor",
    ]
    return Data(object.text().utf8)
  }
}
