import Basics
import Foundation
import Idiolect
import Synchronization

/// A preset's front end for each rate that recordings have, made once.
final class PresetFrontEnds: Sendable {
  private let preset: FeaturePreset
  private let known = Mutex<[Int: any FrontEnd]>([:])

  init(_ preset: FeaturePreset) { self.preset = preset }

  /// The features of one stretch of sound.
  ///
  /// - Throws: what reading the recording throws; `.unsupported` for a rate outside 8,000 to 192,000 Hz;
  ///   `.invalidAudio` where it is too short.
  func features(of input: FeatureInput) throws -> Features {
    let rate = try AudioReader(input.path).description.sampleRate
    guard (8000...192_000).contains(rate) else {
      throw IdiolectError(
        .unsupported,
        "\(input.path): its rate is \(rate) Hz; features are made of 8,000 to 192,000 Hz, so resample it first"
      )
    }
    do {
      let frontEnd = try frontEnd(rate)
      let samples = try readAudio(
        input.path, sampleRate: frontEnd.sampleRate, offsetSeconds: input.offsetSeconds,
        durationSeconds: input.durationSeconds)
      return try frontEnd(samples)
    } catch let error as IdiolectError {
      guard !error.message.hasPrefix(input.path) else { throw error }
      throw IdiolectError(
        error.code, "\(input.path): \(preset.rawValue) at \(rate) Hz: \(error.message)",
        cause: error)
    }
  }

  private func frontEnd(_ rate: Int) throws -> any FrontEnd {
    try known.withLock { known in
      if let made = known[rate] { return made }
      let made = try preset.configuration(sampleRate: rate).frontEnd()
      known[rate] = made
      return made
    }
  }
}
