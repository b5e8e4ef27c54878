import Basics
import Foundation
import Idiolect
import Synchronization

/// A recording that gives no features; other errors are of what takes them.
struct UnusableRecording: Error {
  /// Names the recording.
  let error: IdiolectError
}

/// A preset's front end for each rate that recordings have, made once.
final class PresetFrontEnds: Sendable {
  private let preset: FeatureConvention
  private let known = Mutex<[Int: FeaturePasses]>([:])
  /// Samples that are read at once.
  private static let block = 65_536

  init(_ preset: FeatureConvention) { self.preset = preset }

  /// The front end for a recording, and whether that is short enough to be held in memory with others.
  ///
  /// - Throws: `UnusableRecording` where it cannot be opened, or its rate is none of 8,000 to 192,000 Hz, or one at
  ///   which the preset makes no sense.
  func passes(for input: FeatureInput) throws -> (FeaturePasses, isBrief: Bool) {
    try naming(input) {
      let description = try AudioReader(input.path).description
      let rate = description.sampleRate
      let isBrief = (input.durationSeconds ?? description.durationSeconds ?? .infinity) <= 60
      guard (8000...192_000).contains(rate) else {
        throw IdiolectError(
          .unsupported,
          "its rate is \(rate) Hz; features are made of 8,000 to 192,000 Hz, so resample it first")
      }
      return try known.withLock { known in
        if let made = known[rate] { return (made, isBrief) }
        do {
          let configuration = try preset.configuration(sampleRate: rate)
          let made = try FeaturePasses(configuration)
          known[rate] = made
          let empty = configuration.emptyBands
          if !empty.isEmpty {
            Failure.say(
              "\(preset.name) at \(rate) Hz: \(empty.count == 1 ? "band" : "bands") \(empty.map(String.init).joined(separator: ", ")) (from 0) lie between the bins of its transform and are always the same"
            )
          }
          return (made, isBrief)
        } catch let error as IdiolectError {
          throw IdiolectError(error.code, "at \(rate) Hz: \(error.message)", cause: error)
        }
      }
    }
  }

  /// The features of one stretch of sound, handed to `write` as they are made.
  ///
  /// - Throws: `UnusableRecording` where it cannot be read or is too short; what `write` throws.
  func make(
    _ passes: FeaturePasses, _ input: FeatureInput, _ write: @escaping ([Float]) throws -> Void
  ) throws -> (total: Int, valid: Int) {
    var failure: (any Error)?
    return try naming(input) {
      do {
        return try passes { consume in
          let reader = try AudioReader(
            input.path, sampleRate: passes.frontEnd.sampleRate, offsetSeconds: input.offsetSeconds,
            durationSeconds: input.durationSeconds)
          while let block = try reader.next(maximumFrames: PresetFrontEnds.block),
            try consume(block)
          {}
        } write: { values in
          do { try write(values) } catch {
            failure = error
            throw error
          }
        }
      } catch  where failure != nil { throw NotTheRecording(error: error) }
    }
  }

  /// The features of one stretch of sound, all in memory.
  ///
  /// - Throws: `UnusableRecording`
  func features(_ passes: FeaturePasses, _ input: FeatureInput) throws -> Features {
    var values: [Float] = []
    let counts = try make(passes, input) { values += $0 }
    return Features(
      frames: counts.total, bins: passes.frontEnd.bins, validFrames: counts.valid, values: values)
  }

  private struct NotTheRecording: Error { let error: any Error }

  private func naming<Result>(_ input: FeatureInput, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let other as NotTheRecording {
      throw other.error
    } catch let error as IdiolectError {
      guard !error.message.hasPrefix(input.path) else { throw UnusableRecording(error: error) }
      throw UnusableRecording(
        error: IdiolectError(
          error.code, "\(input.path): \(preset.name): \(error.message)", cause: error))
    }
  }
}
