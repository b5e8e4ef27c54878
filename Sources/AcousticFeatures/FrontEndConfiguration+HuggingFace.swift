import Basics
public import Foundation

/// Front ends as the feature extractors of transformers are configured: Parakeet's, Whisper's, wav2vec 2.0's (that of
/// HuBERT, WavLM and MMS too) and SeamlessM4T's (that of wav2vec2-BERT).
extension FrontEndConfiguration {
  /// Reads `preprocessor_config.json`, or `processor_config.json` with the feature extractor nested.
  ///
  /// - Parameter name: the file's name, for errors.
  /// - Throws: `.invalidModel` that names the file and the key: another feature extractor, a setting that is not
  ///   known or cannot be followed, a value of the wrong type or range.
  public init(huggingFace data: Data, name: String = "preprocessor_config.json") throws {
    try self.init(ExtractorSettings(data, name: name))
  }

  /// Reads the file of a model directory that holds the front end's settings: transformers', or all of our own.
  ///
  /// - Throws: `.notFound` where there is neither file; as `init(huggingFace:name:)` or `init(json:name:)`.
  public init(modelDirectory: String) throws {
    let own = "\(modelDirectory)/preprocessor_config.json"
    if let data = FileManager.default.contents(atPath: own), FrontEndConfiguration.isOwn(data) {
      try self.init(json: data, name: own)
    } else {
      try self.init(ExtractorSettings(modelDirectory: modelDirectory))
    }
  }

  /// Reads a model directory, or a file of settings: transformers', or all of our own.
  ///
  /// - Throws: `.notFound` or `.inputOutput` where it cannot be read; as `init(modelDirectory:)`.
  public init(path: String) throws {
    guard let isFolder = FilePath.isFolder(path) else {
      throw IdiolectError(.notFound, "\(path): no such file or directory")
    }
    if isFolder {
      try self.init(modelDirectory: path)
      return
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw IdiolectError(.inputOutput, "\(path): cannot be read")
    }
    self =
      try FrontEndConfiguration.isOwn(data)
      ? FrontEndConfiguration(json: data, name: path)
      : FrontEndConfiguration(huggingFace: data, name: path)
  }

  /// Whether a file holds our own settings: transformers' have no such key.
  private static func isOwn(_ data: Data) -> Bool {
    (try? JSONValue(parsing: data))?.object?["kind"] != nil
  }

  private init(_ settings: ExtractorSettings) throws {
    self = try settings.naming {
      switch settings.type {
      case "ParakeetFeatureExtractor": .logMel(try LogMelConfiguration(settings))
      case "WhisperFeatureExtractor": .spectral(try .whisper(settings))
      case "Wav2Vec2FeatureExtractor": .waveform(try WaveformConfiguration(settings))
      case "SeamlessM4TFeatureExtractor": try .seamless(settings)
      default:
        throw settings.refuse(
          "feature_extractor_type is \(settings.type); known are Parakeet's, Whisper's, Wav2Vec2's and SeamlessM4T's"
        )
      }
    }
  }

  /// The files of a model directory that say this front end, by name: as transformers reads them, or where it has no
  /// such front end, all of our own settings.
  ///
  /// - Throws: `.unsupported` where a setting has no place there.
  public func modelFiles() throws -> [String: Data] {
    switch self {
    case .logMel(let configuration):
      return ["processor_config.json": try configuration.processorConfiguration()]
    case .waveform(let configuration):
      let settings: JSONValue = [
        "do_normalize": .bool(configuration.normalises),
        "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1,
        "padding_side": "right", "padding_value": 0.0, "return_attention_mask": true,
        "sampling_rate": .integer(configuration.sampleRate),
      ]
      return ["preprocessor_config.json": Data(settings.text().utf8)]
    default:
      if let (bands, fill) = seamless {
        let settings: JSONValue = [
          "feature_extractor_type": "SeamlessM4TFeatureExtractor", "feature_size": .integer(bands),
          "num_mel_bins": .integer(bands), "padding_side": "right",
          "padding_value": .number(Double(fill)), "return_attention_mask": true,
          "sampling_rate": 16_000, "stride": 2,
        ]
        return ["preprocessor_config.json": Data(settings.text().utf8)]
      }
      return ["preprocessor_config.json": Data(try json().utf8)]
    }
  }

  private static func seamless(_ settings: ExtractorSettings) throws -> FrontEndConfiguration {
    var (bands, size, fill) = (80, 80, Float(0))
    try settings.read { key, value in
      switch key {
      case "feature_size": size = try value.int()
      case "num_mel_bins": bands = try value.int()
      // A frame that is alone at the end gets this one beside it.
      case "padding_value":
        fill = try value.float()
        return abs(fill) < 1e30
      // It pads to two frames whatever the stride.
      case "stride": return try value.int() == 2
      // Its frames are of so many samples whatever the rate.
      case "sampling_rate": return try value.int() == 16_000
      default: return nil
      }
      return true
    }
    guard size == bands else {
      throw settings.refuse("feature_size is \(size) and num_mel_bins \(bands); they must agree")
    }
    let result = seamless(bands: bands, fill: fill)
    _ = try result.frontEnd()
    return result
  }

  private static func seamless(bands: Int, fill: Float) -> FrontEndConfiguration {
    guard case .pipeline(var pipeline) = FeaturePreset.wav2vec2Bert.configuration(),
      case .kaldiFbank(var fbank) = pipeline.frontEnd
    else { preconditionFailure("the preset is another") }
    fbank.mel.bands = bands
    pipeline.frontEnd = .kaldiFbank(fbank)
    pipeline.steps[pipeline.steps.count - 1] = .stack(frames: 2, stride: 2, fill: fill)
    return .pipeline(pipeline)
  }

  /// The bands and what fills the last frame, where this is SeamlessM4T's front end.
  private var seamless: (bands: Int, fill: Float)? {
    guard case .pipeline(let pipeline) = self, case .kaldiFbank(let fbank) = pipeline.frontEnd,
      case .stack(_, _, let fill?)? = pipeline.steps.last,
      self == .seamless(bands: fbank.mel.bands, fill: fill)
    else { return nil }
    return (fbank.mel.bands, fill)
  }
}

extension SpectralConfiguration {
  fileprivate static func whisper(_ settings: ExtractorSettings) throws -> SpectralConfiguration {
    var result = SpectralConfiguration.whisper(bands: 80)
    var seconds = 30
    var (samples, frames): (Int?, Int?)
    var filters: JSONNode?
    try settings.read { key, value in
      switch key {
      case "feature_size": result.mel?.bands = try value.int()
      case "n_fft":
        result.frames.fftLength = try value.int()
        // transformers spaces the bins of an odd one as if it were one less.
        return result.frames.fftLength % 2 == 0
      case "hop_length": result.frames.hopLength = try value.int()
      case "chunk_length": seconds = try value.int()
      case "n_samples": samples = try value.int()
      case "nb_max_frames": frames = try value.int()
      case "mel_filters": filters = value
      case "dither": return try value.double() == 0
      // The bands end at 8 kHz whatever the rate.
      case "sampling_rate": return try value.int() == result.sampleRate
      default: return nil
      }
      return true
    }
    guard (1...3600).contains(seconds) else {
      throw settings.refuse("chunk_length is \(seconds) seconds, must be 1 to 3600")
    }
    result.frames.windowLength = result.frames.fftLength
    result.fixedSamples = seconds * result.sampleRate
    try result.validate()
    let count = seconds * result.sampleRate
    guard samples ?? count == count else {
      throw settings.refuse("n_samples is \(samples ?? 0), but chunk_length makes \(count)")
    }
    guard frames ?? (count / result.frames.hopLength) == count / result.frames.hopLength else {
      throw settings.refuse(
        "nb_max_frames is \(frames ?? 0), but \(count / result.frames.hopLength) are in a chunk")
    }
    if let filters { try check(filters, against: result, settings) }
    return result
  }

  /// Older versions wrote the bands' weights too, `[bands][fftLength / 2 + 1]`.
  private static func check(
    _ filters: JSONNode, against configuration: SpectralConfiguration, _ settings: ExtractorSettings
  ) throws {
    let own = configuration.mel!.weights(
      sampleRate: configuration.sampleRate, fftLength: configuration.frames.fftLength)
    let rows = try filters.array()
    func refuse() -> IdiolectError {
      settings.refuse(
        "mel_filters are not those of \(own.count) bands that the other settings make")
    }
    guard rows.count == own.count else { throw refuse() }
    for (row, expected) in zip(rows, own) {
      let values = try row.array().map { try $0.double() }
      guard values.count == expected.count,
        zip(values, expected).allSatisfy({ abs($0 - Double($1)) < 1e-6 })
      else { throw refuse() }
    }
  }
}

extension WaveformConfiguration {
  fileprivate init(_ settings: ExtractorSettings) throws {
    self.init()
    var (rate, normalises) = (sampleRate, normalises)
    try settings.read { key, value in
      switch key {
      case "feature_size": return try value.int() == 1
      case "sampling_rate": rate = try value.int()
      case "do_normalize": normalises = try value.bool()
      default: return nil
      }
      return true
    }
    (sampleRate, self.normalises) = (rate, normalises)
    _ = try Waveform(self)
  }
}
