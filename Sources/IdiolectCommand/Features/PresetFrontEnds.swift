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
  private let normalises: Bool
  private let known = Mutex<[Int: FeaturePasses]>([:])
  /// What it hears of a recording, where that is always as much.
  private let heardSeconds: Double?
  private let hasNoted = Mutex(false)
  /// Samples that are read at once.
  private static let block = 65_536
  /// How far a stretch may reach beyond its recording, in seconds: so much comes of times that were rounded.
  private static let roundingSeconds = 0.05

  /// - Parameter normalises: whether normalisation and deltas are part of it; statistics are of what is before.
  init(_ preset: FeatureConvention, normalises: Bool = true) {
    (self.preset, self.normalises) = (preset, normalises)
    heardSeconds = (try? preset.unnormalised(sampleRate: 16_000))?.heardSeconds
  }

  /// The front end for a recording, and how long that is; nil where its file does not say.
  ///
  /// - Throws: `UnusableRecording` where it cannot be opened, or its rate is one at which no features are made or the
  ///   preset makes no sense.
  func passes(for input: FeatureInput) throws -> (FeaturePasses, seconds: Double?) {
    try naming(input) {
      let description = try AudioReader(input.path).description
      let rate = description.sampleRate
      let seconds = input.durationSeconds ?? description.durationSeconds
      noteWhatIsCut(input, seconds)
      return try known.withLock { known in
        if let made = known[rate] { return (made, seconds) }
        do {
          let configuration =
            try normalises
            ? preset.configuration(sampleRate: rate) : preset.unnormalised(sampleRate: rate)
          let made = try FeaturePasses(configuration)
          known[rate] = made
          let empty = configuration.emptyBands
          if !empty.isEmpty {
            Failure.say(
              "\(preset.name) at \(made.frontEnd.sampleRate) Hz: \(empty.count) of its bands lie between the bins of its transform and are always the same, counted from 0: \(empty.map(String.init).joined(separator: ", "))"
            )
          }
          return (made, seconds)
        } catch let error as IdiolectError {
          // The settings serve at other rates, or they were refused before.
          let (cause, remedy) = error.parts(
            without: "front end",
            remedy: "resample the recording, or change the settings (--describe)")
          throw IdiolectError(
            .invalidAudio, "at \(rate) Hz: \(cause); \(remedy)", cause: error)
        }
      }
    }
  }

  /// Says once that a convention hears no more of a recording than its beginning.
  private func noteWhatIsCut(_ input: FeatureInput, _ seconds: Double?) {
    guard let heard = heardSeconds, let seconds else { return }
    let isFirst = hasNoted.withLock { noted in
      defer { noted = noted || seconds > heard }
      return seconds > heard && !noted
    }
    if isFirst {
      Failure.say(
        "\(input.path): lasts \(Figures.duration(seconds)), and \(preset.name) hears the first \(Figures.duration(heard)) of a recording"
      )
    }
  }

  /// The features of one stretch of sound, handed to `write` as they are made.
  ///
  /// - Parameter onRead: gets how many samples were read each time, of every pass.
  /// - Throws: `UnusableRecording` where it cannot be read, is too short or reaches beyond the recording; what `write`
  ///   throws.
  func make(
    _ passes: FeaturePasses, _ input: FeatureInput, onRead: @escaping (Int) -> Void = { _ in },
    _ write: @escaping ([Float]) throws -> Void
  ) throws -> (total: Int, valid: Int) {
    var failure: (any Error)?
    return try naming(input) {
      do {
        return try passes { consume in
          let reader = try AudioReader(
            input.path, sampleRate: passes.frontEnd.sampleRate, offsetSeconds: input.offsetSeconds,
            durationSeconds: input.durationSeconds)
          while let block = try reader.next(maximumFrames: PresetFrontEnds.block) {
            onRead(block.count)
            guard try consume(block) else { break }
          }
          guard reader.missingSeconds <= PresetFrontEnds.roundingSeconds else {
            throw IdiolectError(
              .invalidData,
              "\(input.path): it ends \(Figures.duration(reader.missingSeconds)) after the recording; correct its offset or duration"
            )
          }
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
  func features(
    _ passes: FeaturePasses, _ input: FeatureInput, onRead: @escaping (Int) -> Void = { _ in }
  ) throws -> Features {
    var values: [Float] = []
    let counts = try make(passes, input, onRead: onRead) { values += $0 }
    return Features(
      frames: counts.total, bins: passes.frontEnd.bins, validFrames: counts.valid, values: values)
  }

  private struct NotTheRecording: Error { let error: any Error }

  /// - Throws: `UnusableRecording` that names it, for an error of the recording's own.
  func naming<Result>(_ input: FeatureInput, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let other as NotTheRecording {
      throw other.error
    } catch let error as IdiolectError {
      guard !error.message.hasPrefix("\(input.path): ") else {
        throw UnusableRecording(error: error)
      }
      throw UnusableRecording(
        error: IdiolectError(
          error.code, "\(input.path): \(preset.name): \(error.message)", cause: error))
    }
  }
}
