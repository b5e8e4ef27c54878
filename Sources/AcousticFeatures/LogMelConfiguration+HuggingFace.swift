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
    guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
      throw IdiolectError(.invalidModel, "\(name): not a JSON object")
    }
    try self.init(huggingFace: object, name: name)
  }

  /// Reads the file of a model directory that holds the front end's settings.
  ///
  /// - Throws: `.notFound` where there is neither file; as `init(huggingFace:name:)`.
  public init(modelDirectory: String) throws {
    for file in ["processor_config.json", "preprocessor_config.json"] {
      let path = "\(modelDirectory)/\(file)"
      guard let data = FileManager.default.contents(atPath: path) else { continue }
      self = try LogMelConfiguration(huggingFace: data, name: path)
      return
    }
    throw IdiolectError(
      .notFound,
      "\(modelDirectory): has neither processor_config.json nor preprocessor_config.json; copy it from the model's source"
    )
  }

  /// As `init(huggingFace:name:)`, from a parsed object.
  public init(huggingFace object: [String: Any], name: String = "preprocessor_config.json") throws {
    self.init()
    func refuse(_ why: String) -> IdiolectError { IdiolectError(.invalidModel, "\(name): \(why)") }
    var settings = object
    if let nested = object["feature_extractor"] {
      guard let nested = nested as? [String: Any] else {
        throw refuse("feature_extractor is not an object")
      }
      settings = nested
    }
    let type = settings["feature_extractor_type"] as? String ?? "missing"
    guard type == "ParakeetFeatureExtractor" else {
      throw refuse("feature_extractor_type is \(type); only ParakeetFeatureExtractor is known")
    }
    for (key, value) in settings.sorted(by: { $0.key < $1.key }) {
      func number() throws -> Double {
        guard let number = (value as? NSNumber)?.doubleValue, number.isFinite else {
          throw refuse("\(key) is \(value), not a number")
        }
        return number
      }
      func integer() throws -> Int {
        guard let integer = Int(exactly: try number()) else {
          throw refuse("\(key) is \(value), not a whole number")
        }
        return integer
      }
      func require(_ holds: Bool) throws {
        guard holds else { throw refuse("\(key) is \(value), which this front end cannot do") }
      }
      switch key {
      case "feature_size": melBins = try integer()
      case "sampling_rate": sampleRate = try integer()
      case "hop_length": hopLength = try integer()
      case "n_fft": fftLength = try integer()
      case "win_length": windowLength = try integer()
      case "preemphasis": preemphasis = value is NSNull ? 0 : try number()
      case "padding_value": try require(try number() == 0)
      case "padding_side": try require(value as? String == "right")
      case "do_normalize": try require(value is NSNull || value as? Bool == false)
      default:
        // What names things or shapes outputs changes no number; anything else might.
        guard LogMelConfiguration.harmlessKeys.contains(key) else {
          throw refuse("unknown setting \(key), which may change the features")
        }
      }
    }
    do { try validate() } catch let error as IdiolectError { throw refuse(error.message) }
  }

  private static let harmlessKeys: Set<String> = [
    "feature_extractor_type", "processor_class", "return_attention_mask", "model_input_names",
    "auto_map", "name_or_path", "transformers_version", "_commit_hash",
  ]

  /// The settings of the feature extractor, as `save_pretrained` writes them.
  ///
  /// - Throws: `.unsupported` where a setting has no place in that layout.
  public func huggingFace() throws -> [String: Any] {
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
      "feature_extractor_type": "ParakeetFeatureExtractor", "feature_size": melBins,
      "hop_length": hopLength, "n_fft": fftLength, "padding_side": "right", "padding_value": 0.0,
      "preemphasis": preemphasis, "return_attention_mask": true, "sampling_rate": sampleRate,
      "win_length": windowLength,
    ]
  }

  /// The text of `processor_config.json` with this feature extractor nested, as transformers 5 writes it.
  ///
  /// Says that decoding is CTC, which transformers otherwise guesses from the vocabulary.
  public func processorConfiguration() throws -> Data {
    let object: [String: Any] = [
      "decoder_type": "ctc", "feature_extractor": try huggingFace(),
      "processor_class": "ParakeetProcessor",
    ]
    let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys]
    return try JSONSerialization.data(withJSONObject: object, options: options) + Data("\n".utf8)
  }
}
