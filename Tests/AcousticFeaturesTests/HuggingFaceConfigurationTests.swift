import AcousticFeatures
import Basics
import Foundation
import TestSupport
import Testing

/// Against the files that `save_pretrained` of transformers wrote.
@Suite struct HuggingFaceConfigurationTests {
  /// The front end of Parakeet's feature extractor.
  private func logMel(_ data: Data, name: String = "preprocessor_config.json") throws
    -> LogMelConfiguration
  {
    guard case .logMel(let configuration) = try FrontEndConfiguration(huggingFace: data, name: name)
    else {
      throw IdiolectError(.invalidModel, "another kind")
    }
    return configuration
  }

  static func written(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(Golden.directory)/features/\(name)"))
  }

  @Test(arguments: ["preprocessor_config.json", "processor_config.json"])
  func readsWhatTransformersWrites(name: String) throws {
    #expect(try logMel(Self.written(name)) == LogMelConfiguration())
  }

  @Test func readsAModelDirectory() throws {
    let configuration = try FrontEndConfiguration(modelDirectory: "\(Golden.directory)/features")
    #expect(configuration == .logMel(LogMelConfiguration()))
    let error = #expect(throws: IdiolectError.self) {
      try FrontEndConfiguration(modelDirectory: "/nonexistent")
    }
    #expect(error?.code == .notFound)
  }

  /// A directory, transformers' file in it, or a file of our own: whichever is named.
  @Test func readsAnyPath() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let own = FeaturePreset.librosaMFCC.configuration()
    try AtomicFile.write(own.json(), to: "\(directory)/mine.json")
    #expect(try FrontEndConfiguration(path: "\(directory)/mine.json") == own)
    for path in ["", "/preprocessor_config.json", "/processor_config.json"] {
      #expect(
        try FrontEndConfiguration(path: "\(Golden.directory)/features\(path)")
          == .logMel(LogMelConfiguration()))
    }
    let missing = #expect(throws: IdiolectError.self) {
      try FrontEndConfiguration(path: "\(directory)/none.json")
    }
    #expect(missing?.code == .notFound && missing?.message.contains("none.json: ") == true)
  }

  /// What a model directory gets is read from there again: in transformers' words where it has such a front end.
  @Test(arguments: FeaturePreset.allCases.map(\.rawValue))
  func modelFiles(_ preset: String) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let configuration = try FeaturePreset(named: preset).configuration()
    for (file, data) in try configuration.modelFiles() {
      try AtomicFile.write(data, to: "\(directory)/\(file)")
    }
    #expect(try FrontEndConfiguration(modelDirectory: directory) == configuration)
  }

  /// As versions of transformers before 5 lay it out: the processor's settings and the extractor's apart.
  @Test func processorWithoutExtractor() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let processor = #"{"processor_class": "ParakeetProcessor"}"#
    try AtomicFile.write(processor, to: "\(directory)/processor_config.json")
    let error = #expect(throws: IdiolectError.self) {
      try FrontEndConfiguration(modelDirectory: directory)
    }
    #expect(error?.message.contains("feature_extractor_type is missing") == true)
    try AtomicFile.write(
      Self.written("preprocessor_config.json"), to: "\(directory)/preprocessor_config.json")
    #expect(try FrontEndConfiguration(modelDirectory: directory) == .logMel(LogMelConfiguration()))
  }

  @Test func writesTheSameFeatureExtractor() throws {
    let theirs = try JSONSerialization.jsonObject(with: Self.written("processor_config.json"))
    let ours = try JSONSerialization.jsonObject(
      with: LogMelConfiguration().processorConfiguration())
    let nested = (theirs as? [String: Any])?["feature_extractor"] as? NSDictionary
    #expect(nested != nil)
    #expect((ours as? [String: Any])?["feature_extractor"] as? NSDictionary == nested)
  }

  @Test func everySettingSurvives() throws {
    var configuration = LogMelConfiguration()
    configuration.sampleRate = 8000
    configuration.melBins = 64
    configuration.fftLength = 256
    configuration.windowLength = 200
    configuration.hopLength = 80
    configuration.preemphasis = 0.9
    let data = try configuration.processorConfiguration()
    #expect(try logMel(data) == configuration)
  }

  @Test func settingsWithoutAPlaceAreNotWritten() {
    var configuration = LogMelConfiguration()
    configuration.normalization = .none
    let error = #expect(throws: IdiolectError.self) { try configuration.processorConfiguration() }
    #expect(error?.code == .unsupported)
  }

  @Test(arguments: [
    ("do_ceptral_normalize", "true"), ("dither", "0.1"), ("hop_length", "\"160\""),
    ("hop_length", "0"), ("hop_length", "true"), ("hop_length", "15"), ("hop_length", "1601"),
    ("feature_size", "true"), ("feature_size", "100000"), ("preemphasis", "NaN"), ("n_fft", "1e30"),
    ("win_length", "400.5"), ("padding_side", "\"left\""),
    ("padding_value", "1.0"), ("do_normalize", "true"),
    ("feature_extractor_type", "\"ClvpFeatureExtractor\""),
  ])
  func whatWouldChangeNumbersIsNamed(key: String, value: String) throws {
    var text = String(decoding: try Self.written("preprocessor_config.json"), as: UTF8.self)
    if let line = text.split(separator: "\n").first(where: { $0.contains("\"\(key)\"") }) {
      text = text.replacingOccurrences(
        of: line, with: "  \"\(key)\": \(value)" + (line.hasSuffix(",") ? "," : ""))
    } else {
      text = text.replacingOccurrences(of: "{", with: "{\n  \"\(key)\": \(value),")
    }
    let error = #expect(throws: IdiolectError.self) {
      try logMel(Data(text.utf8), name: "m/preprocessor_config.json")
    }
    #expect(error?.code == .invalidModel)
    #expect(error?.message.contains("m/preprocessor_config.json") == true)
    // A value of the right type but out of range is named as the configuration names it.
    let configured = [
      "0": "hopLength", "15": "hopLength", "1601": "hopLength", "100000": "melBins",
    ]
    let named = configured[value] ?? key
    #expect(error?.message.contains(named) == true, "\(error?.message ?? "")")
  }

  private func extractor(_ name: String) throws -> Data {
    try Self.written("extractors/\(name).json")
  }

  /// Each extractor's defaults are those of its preset.
  @Test(arguments: [
    ("whisper", "whisper"), ("whisper-older", "whisper"), ("whisper-128", "whisper-128"),
    ("wav2vec2", "wav2vec2"), ("wav2vec2-bert", "wav2vec2-bert"),
  ])
  func otherExtractors(_ file: String, _ preset: String) throws {
    #expect(
      try FrontEndConfiguration(huggingFace: extractor(file))
        == FeaturePreset(named: preset).configuration())
  }

  /// Settings that are followed.
  @Test func otherSettings() throws {
    func read(_ file: String, _ old: String, _ new: String) throws -> FrontEndConfiguration {
      let text = String(decoding: try extractor(file), as: UTF8.self)
      try #require(text.contains(old))
      return try FrontEndConfiguration(
        huggingFace: Data(text.replacingOccurrences(of: old, with: new).utf8))
    }
    guard
      case .waveform(let waveform) = try read(
        "wav2vec2", "\"do_normalize\": true", "\"do_normalize\": false"),
      case .pipeline(let bert) = try read(
        "wav2vec2-bert", "\"padding_value\": 0.0", "\"padding_value\": 1")
    else {
      Issue.record("another kind")
      return
    }
    #expect(!waveform.normalises)
    _ = try read("wav2vec2-bert", "\"stride\": 2", "\"stride\": 2, \"language_code\": [\"eng\"]")
    #expect(bert.steps.last == .stack(frames: 2, stride: 2, fill: 1))
    for (file, old, new, named) in [
      ("whisper", "\"dither\": 0.0", "\"dither\": 0.1", "dither"),
      ("whisper", "\"n_samples\": 480000", "\"n_samples\": 480001", "n_samples"),
      ("whisper", "\"nb_max_frames\": 3000", "\"nb_max_frames\": 30", "nb_max_frames"),
      ("whisper", "\"chunk_length\": 30", "\"chunk_length\": 1000000000000", "chunk_length"),
      ("whisper", "\"hop_length\": 160", "\"hop_length\": 0", "hop"),
      ("whisper", "\"hop_length\"", "\"hop\"", "unknown setting hop"),
      ("whisper", "16000", "8000", "sampling_rate"),
      ("whisper-older", "\"feature_size\": 80", "\"feature_size\": 81", "mel_filters"),
      ("whisper-older", "\"n_fft\": 400", "\"n_fft\": 512", "mel_filters"),
      ("whisper", "\"n_fft\": 400", "\"n_fft\": 401", "n_fft"),
      ("wav2vec2-bert", "\"padding_value\": 0.0", "\"padding_value\": 1e39", "padding_value"),
      ("wav2vec2", "16000", "0", "sampleRate"),
      ("wav2vec2", "\"feature_size\": 1", "\"feature_size\": 2", "feature_size"),
      ("wav2vec2-bert", "\"stride\": 2", "\"stride\": 3", "stride"),
      ("wav2vec2-bert", "\"num_mel_bins\": 80", "\"num_mel_bins\": 64", "num_mel_bins"),
      ("wav2vec2-bert", "SeamlessM4T", "Clvp", "feature_extractor_type is Clvp"),
    ] {
      let error = #expect(throws: IdiolectError.self) { _ = try read(file, old, new) }
      #expect(error?.code == .invalidModel)
      #expect(error?.message.hasPrefix("preprocessor_config.json: ") == true)
      #expect(error?.message.contains(named) == true, "\(named): \(error?.message ?? "")")
    }
  }

  @Test(arguments: ["", "[]", "{", "{\"feature_extractor\": 3}"])
  func garbageIsRefused(text: String) {
    #expect(throws: IdiolectError.self) { try logMel(Data(text.utf8)) }
  }
}
