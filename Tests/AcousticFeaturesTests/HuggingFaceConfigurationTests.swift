import AcousticFeatures
import Basics
import Foundation
import TestSupport
import Testing

/// Against the files that `save_pretrained` of transformers wrote.
@Suite struct HuggingFaceConfigurationTests {
  static func written(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(Golden.directory)/features/\(name)"))
  }

  @Test(arguments: ["preprocessor_config.json", "processor_config.json"])
  func readsWhatTransformersWrites(name: String) throws {
    #expect(try LogMelConfiguration(huggingFace: Self.written(name)) == LogMelConfiguration())
  }

  @Test func readsAModelDirectory() throws {
    let configuration = try LogMelConfiguration(modelDirectory: "\(Golden.directory)/features")
    #expect(configuration == LogMelConfiguration())
    let error = #expect(throws: IdiolectError.self) {
      try LogMelConfiguration(modelDirectory: "/nonexistent")
    }
    #expect(error?.code == .notFound)
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
    #expect(try LogMelConfiguration(huggingFace: data) == configuration)
  }

  @Test func settingsWithoutAPlaceAreNotWritten() {
    var configuration = LogMelConfiguration()
    configuration.normalization = .none
    let error = #expect(throws: IdiolectError.self) { try configuration.huggingFace() }
    #expect(error?.code == .unsupported)
  }

  @Test(arguments: [
    ("do_ceptral_normalize", "true"), ("dither", "0.1"), ("hop_length", "\"160\""),
    ("hop_length", "0"), ("n_fft", "1e30"), ("win_length", "400.5"), ("padding_side", "\"left\""),
    ("padding_value", "1.0"), ("do_normalize", "true"),
    ("feature_extractor_type", "\"WhisperFeatureExtractor\""),
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
      try LogMelConfiguration(huggingFace: Data(text.utf8), name: "m/preprocessor_config.json")
    }
    #expect(error?.code == .invalidModel)
    #expect(error?.message.contains("m/preprocessor_config.json") == true)
    // A value of the right type but out of range is named as the configuration names it.
    let named = value == "0" ? "hopLength" : key
    #expect(error?.message.contains(named) == true, "\(error?.message ?? "")")
  }

  @Test(arguments: ["", "[]", "{", "{\"feature_extractor\": 3}"])
  func garbageIsRefused(text: String) {
    #expect(throws: IdiolectError.self) { try LogMelConfiguration(huggingFace: Data(text.utf8)) }
  }
}
