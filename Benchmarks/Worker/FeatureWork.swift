import AcousticFeatures
import Basics
import TensorEngine

/// Features of a minute of noise by the conventions of `features_peer.py`.
enum FeatureWork {
  static func work(_ convention: String, seconds: Int) throws -> Work {
    let samples = Catalogue.random([seconds * 16_000], 1, scale: 0.5).values
    let isStreamed = convention.hasSuffix("-stream")
    let configuration = try configuration(convention)
    let frontEnd = try configuration.frontEnd()
    var values: [Float] = []
    return Work(
      run: {
        guard isStreamed else {
          values = try frontEnd(samples).values
          return
        }
        values.removeAll(keepingCapacity: true)
        let stream = try FeatureStream(configuration)
        for start in stride(from: 0, to: samples.count, by: 160) {
          values += try stream(samples[start..<min(start + 160, samples.count)])
        }
        values += try stream.finish()
      },
      results: {
        [Tensor(values, shape: [values.count / frontEnd.bins, frontEnd.bins])]
      })
  }

  private static func configuration(_ convention: String) throws -> FrontEndConfiguration {
    switch convention {
    case "kaldi-fbank", "kaldi-fbank-stream": return FeaturePreset.kaldiFbank.configuration()
    case "python-speech-features": return FeaturePreset.pythonSpeechFeatures.configuration()
    default: break
    }
    var result =
      convention.hasPrefix("torchaudio")
      ? SpectralConfiguration.torchaudioMel() : .librosaMel(sampleRate: 16_000)
    (result.frames.fftLength, result.frames.windowLength, result.frames.hopLength) = (400, 400, 160)
    result.mel?.bands = 80
    switch convention {
    case "torchaudio-log-mel": result.logarithm = Logarithm(.natural, .offset(1e-6))
    case "librosa-log-mel": result.logarithm = .eightyDecibels
    case "torchaudio-mfcc", "librosa-mfcc":
      result.logarithm = .eightyDecibels
      result.cepstra = Cepstra(count: 13)
    default: throw IdiolectError(.invalidArgument, "no features are named \(convention)")
    }
    return .spectral(result)
  }
}
