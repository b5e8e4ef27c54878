import Basics
public import Foundation

/// The configuration as `ParakeetFeatureExtractor` of transformers reads and writes it.
extension LogMelConfiguration {
  init(_ settings: ExtractorSettings) throws {
    var result = LogMelConfiguration()
    try settings.read { key, value in
      switch key {
      case "feature_size": result.melBins = try value.int()
      case "sampling_rate": result.sampleRate = try value.int()
      case "hop_length": result.hopLength = try value.int()
      case "n_fft":
        result.fftLength = try value.int()
        // transformers spaces the bins of an odd one as if it were one less.
        return result.fftLength % 2 == 0
      case "win_length": result.windowLength = try value.int()
      case "preemphasis": result.preemphasis = try value.double(default: 0)
      case "do_normalize": return try !value.bool(default: false)
      default: return nil
      }
      return true
    }
    try result.validate()
    self = result
  }

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
