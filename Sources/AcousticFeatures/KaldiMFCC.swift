import Basics

/// Mel-frequency cepstral coefficients in Kaldi's convention: what Kaldi's own recipes and HMM aligners hear.
///
/// Equal to kaldi-native-fbank with dither 0; see `KaldiMFCCConfiguration`.
public struct KaldiMFCC: FrontEnd {
  public let configuration: KaldiMFCCConfiguration
  public let fingerprint: String
  private let spectral: SpectralFrontEnd

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public init(_ configuration: KaldiMFCCConfiguration = KaldiMFCCConfiguration()) throws {
    try configuration.validate()
    self.configuration = configuration
    fingerprint = stableFingerprint("kaldi-mfcc", configuration)
    var spectral = configuration.frame.spectral(configuration.mel)
    spectral.cepstra = Cepstra(count: configuration.coefficients, lifter: configuration.lifter)
    if configuration.usesEnergy {
      spectral.energy = FrameEnergy(
        source: configuration.usesRawEnergy ? .samples : .windowed, place: .replacesFirst,
        floor: configuration.energyFloor)
    }
    self.spectral = try SpectralFrontEnd(spectral)
  }

  public var sampleRate: Int { spectral.sampleRate }
  public var bins: Int { spectral.bins }
  public var hopSeconds: Double { spectral.hopSeconds }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) {
    spectral.frameCount(samples: samples)
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features { try spectral(samples) }
}
