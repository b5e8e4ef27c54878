import Basics
import Foundation

/// Mel-frequency cepstral coefficients in Kaldi's convention: what Kaldi's own recipes and HMM aligners hear.
///
/// Equal to kaldi-native-fbank with dither 0; see `KaldiMFCCConfiguration`.
public struct KaldiMFCC: FrontEnd {
  public let configuration: KaldiMFCCConfiguration
  public let fingerprint: String
  private let frames: KaldiFrames
  /// Cosine transform and lifter in one: `[coefficients, bands]`.
  private let transform: [Float]

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public init(_ configuration: KaldiMFCCConfiguration = KaldiMFCCConfiguration()) throws {
    try configuration.validate()
    self.configuration = configuration
    fingerprint = stableFingerprint("kaldi-mfcc", configuration)
    frames = KaldiFrames(
      configuration.frame, mel: configuration.mel, usesPower: true,
      usesRawEnergy: configuration.usesRawEnergy, energyFloor: configuration.energyFloor)
    let bands = configuration.mel.bands
    transform = (0..<configuration.coefficients).flatMap { row in
      let order = Double(row)
      let norm = (row == 0 ? 1 / Double(bands) : 2 / Double(bands)).squareRoot()
      let lifter = configuration.lifter
      let lift = lifter == 0 ? 1 : 1 + lifter / 2 * sin(.pi * order / lifter)
      return (0..<bands).map { band in
        Float(lift * norm * cos(.pi / Double(bands) * (Double(band) + 0.5) * order))
      }
    }
  }

  public var sampleRate: Int { configuration.frame.sampleRate }
  public var bins: Int { configuration.coefficients }
  public var hopSeconds: Double { Double(configuration.frame.shift) / Double(sampleRate) }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) {
    let count = frames.count(samples: samples)
    return (count, count)
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    let bands = configuration.mel.bands
    return try transform.withUnsafeBufferPointer { transform in
      try frames.features(of: samples, bins: bins) { energies, logEnergy, row in
        for band in 0..<bands { energies[band] = log(max(energies[band], .ulpOfOne)) }
        for order in 0..<configuration.coefficients {
          var sum: Float = 0
          for band in 0..<bands { sum += transform[order &* bands &+ band] * energies[band] }
          row[order] = sum
        }
        if configuration.usesEnergy { row[0] = logEnergy }
      }
    }
  }
}
