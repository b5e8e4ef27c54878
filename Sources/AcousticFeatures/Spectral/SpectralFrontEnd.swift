import Basics
import CKernels
import Synchronization

/// Features by any convention that a `SpectralConfiguration` can say.
///
///     let mfcc = try SpectralFrontEnd(.librosaMFCC(sampleRate: 22_050))
///     let features = try mfcc(samples)
public struct SpectralFrontEnd: FrontEnd {
  public let configuration: SpectralConfiguration
  public let fingerprint: String
  let rows: SpectralRows

  /// - Throws: `.invalidArgument` where the configuration makes no sense.
  public init(_ configuration: SpectralConfiguration) throws {
    rows = try SpectralRows(configuration)
    self.configuration = configuration
    fingerprint = stableFingerprint("spectral", configuration)
  }

  public var sampleRate: Int { configuration.sampleRate }
  public var bins: Int { configuration.bins }
  public var hopSeconds: Double {
    Double(configuration.frames.hopLength) / Double(configuration.keptRate)
  }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) {
    guard samples > 0 else { return (0, 0) }
    let kept = (samples + configuration.keepsEvery - 1) / configuration.keepsEvery
    return configuration.frames.count(samples: configuration.fixedSamples ?? kept)
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    try require(samples)
    let (total, valid) = frameCount(samples: samples.count)
    let values = prepared(samples).withUnsafeBufferPointer { samples in
      features(SampleWindow(samples: samples, count: samples.count), total: total, valid: valid)
    }
    guard ck_all_finite(values, values.count) else { throw settingsWithoutNumbers }
    return Features(frames: total, bins: bins, validFrames: valid, values: values)
  }

  /// Every so many-th sample, cut or filled to the length that the convention fixes.
  private func prepared(_ samples: [Float]) -> [Float] {
    let step = configuration.keepsEvery
    var kept =
      step == 1 ? samples : stride(from: 0, to: samples.count, by: step).map { samples[$0] }
    if let fixed = configuration.fixedSamples {
      kept = Array(kept.prefix(fixed))
      kept += [Float](repeating: 0, count: fixed - kept.count)
    }
    return kept
  }

  /// About a tenth of a millisecond.
  private static let framesWorthAThread = 128

  private func features(_ source: SampleWindow, total: Int, valid: Int) -> [Float] {
    let (bands, bins, logarithm) = (configuration.bands, bins, configuration.logarithm)
    // Without cepstra and energies of frames, these are the features: with frames that are not valid, of zeros.
    let areFeatures = configuration.cepstra == nil && configuration.energy == nil
    var energies = [Float](repeating: 0, count: (areFeatures ? total : valid) * bands)
    var logEnergies = [Float](repeating: 0, count: valid)
    var values = [Float](repeating: 0, count: areFeatures ? 0 : total * bins)
    energies.withUnsafeMutableBufferPointer { energies in
      logEnergies.withUnsafeMutableBufferPointer { logEnergies in
        values.withUnsafeMutableBufferPointer { values in
          // Ranges are disjoint: no two threads write one frame.
          let (energies, logEnergies, values) = (energies, logEnergies, values)
          let loudest = Mutex(-Float.infinity)
          parallelFor(valid, grain: SpectralFrontEnd.framesWorthAThread) { range in
            let worker = SpectralWorker(rows)
            for index in range {
              logEnergies[index] = worker.energies(
                index, of: source, into: energies.baseAddress! + index * bands)
            }
            guard logarithm.needsMaximum else { return }
            let largest = ck_largest(
              energies.baseAddress! + range.lowerBound * bands, range.count * bands)
            loudest.withLock { $0 = max($0, largest) }
          }
          guard logarithm.isFinished || !areFeatures else { return }
          let maximum = loudest.withLock { $0 }
          parallelFor(valid, grain: 8 * SpectralFrontEnd.framesWorthAThread) { range in
            let frames = energies.baseAddress! + range.lowerBound * bands
            logarithm.finish(frames, count: range.count * bands, maximum: maximum)
            guard !areFeatures else { return }
            let shape = rows.shape
            for index in range {
              shape.features(
                energies.baseAddress! + index * bands, logEnergy: logEnergies[index],
                into: values.baseAddress! + index * bins)
            }
          }
        }
      }
    }
    return areFeatures ? energies : values
  }
}

/// A front end that is a spectral one under a configuration of its own.
protocol SpectralKind: FrontEnd {
  var spectral: SpectralFrontEnd { get }
}

extension SpectralKind {
  public var sampleRate: Int { spectral.sampleRate }
  public var bins: Int { spectral.bins }
  public var hopSeconds: Double { spectral.hopSeconds }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) {
    spectral.frameCount(samples: samples)
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features { try spectral(samples) }
}
