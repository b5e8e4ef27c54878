import Basics

/// Mel-frequency cepstral coefficients in Kaldi's convention: what Kaldi's own recipes and HMM aligners hear.
///
/// Equal to kaldi-native-fbank with dither 0; see `KaldiMFCCConfiguration`.
public struct KaldiMFCC: SpectralKind {
  public let configuration: KaldiMFCCConfiguration
  public let fingerprint: String
  let spectral: SpectralFrontEnd

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public init(_ configuration: KaldiMFCCConfiguration = KaldiMFCCConfiguration()) throws {
    try configuration.validate()
    self.configuration = configuration
    fingerprint = stableFingerprint("kaldi-mfcc", configuration)
    spectral = try SpectralFrontEnd(configuration.spectral)
  }
}

extension KaldiMFCCConfiguration {
  var spectral: SpectralConfiguration {
    var result = frame.spectral(mel)
    result.cepstra = Cepstra(count: coefficients, lifter: lifter)
    if usesEnergy {
      result.energy = FrameEnergy(
        source: usesRawEnergy ? .samples : .windowed, place: .replacesFirst, floor: energyFloor)
    }
    return result
  }
}
