import Basics
import Foundation

/// Logarithmic mel filterbank energies in Kaldi's convention: what WeNet, icefall and wav2letter hear.
///
/// Equal to kaldi-native-fbank with dither 0; see `KaldiFbankConfiguration` for what differs.
public struct KaldiFbank: FrontEnd {
  public let configuration: KaldiFbankConfiguration
  public let fingerprint: String
  private let frames: KaldiFrames

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public init(_ configuration: KaldiFbankConfiguration = KaldiFbankConfiguration()) throws {
    try configuration.validate()
    self.configuration = configuration
    fingerprint = stableFingerprint("kaldi-fbank", configuration)
    frames = KaldiFrames(
      configuration.frame, mel: configuration.mel, usesPower: configuration.usesPower,
      usesRawEnergy: configuration.usesRawEnergy, energyFloor: configuration.energyFloor)
  }

  public var sampleRate: Int { configuration.frame.sampleRate }
  /// The bands, and one for the energy if used.
  public var bins: Int { configuration.mel.bands + (configuration.usesEnergy ? 1 : 0) }
  public var hopSeconds: Double { Double(configuration.frame.shift) / Double(sampleRate) }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) {
    let count = frames.count(samples: samples)
    return (count, count)
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    let first = configuration.usesEnergy ? 1 : 0
    return try frames.features(of: samples, bins: bins) { bands, logEnergy, row in
      if configuration.usesEnergy { row[0] = logEnergy }
      for band in 0..<configuration.mel.bands {
        row[first + band] =
          configuration.usesLogarithm ? log(max(bands[band], .ulpOfOne)) : bands[band]
      }
    }
  }
}
