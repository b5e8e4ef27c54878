import Basics

/// Logarithmic mel filterbank energies in Kaldi's convention: what WeNet, icefall and wav2letter hear.
///
/// Equal to kaldi-native-fbank with dither 0; see `KaldiFbankConfiguration` for what differs.
public struct KaldiFbank: SpectralKind {
  public let configuration: KaldiFbankConfiguration
  public let fingerprint: String
  let spectral: SpectralFrontEnd

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public init(_ configuration: KaldiFbankConfiguration = KaldiFbankConfiguration()) throws {
    try configuration.validate()
    self.configuration = configuration
    fingerprint = stableFingerprint("kaldi-fbank", configuration)
    spectral = try SpectralFrontEnd(configuration.spectral)
  }
}

extension KaldiFbankConfiguration {
  var spectral: SpectralConfiguration {
    var result = frame.spectral(mel)
    result.spectrum = usesPower ? .power : .magnitude
    if !usesLogarithm { result.logarithm = .none }
    if usesEnergy {
      result.energy = FrameEnergy(
        source: usesRawEnergy ? .samples : .windowed, place: .first, floor: energyFloor)
    }
    return result
  }
}
