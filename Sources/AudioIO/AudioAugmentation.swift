public import Basics
import Foundation

/// What may happen to a recording before it is trained on: another pitch, a room, a noise, a telephone, in that
/// order.
public struct AudioAugmentation: Sendable, Codable, Hashable {
  /// The share of recordings that become higher or lower.
  public var pitchShare: Float = 0
  public var semitones: ClosedRange<Float> = -2...2
  /// The share of recordings that sound as in a room.
  public var roomShare: Float = 0.3
  /// RT60 of the rooms, in seconds.
  public var decaySeconds: ClosedRange<Float> = 0.1...0.6
  /// Direct sound over reflections, in decibels.
  public var directDecibels: ClosedRange<Float> = 0...12
  /// The share that gets noise: of a recording of `noises`, or white or pink where there is none.
  public var noiseShare: Float = 0.5
  /// Paths of recorded noises.
  public var noises: [String] = []
  /// Signal over noise, in decibels.
  public var signalToNoiseDecibels: ClosedRange<Float> = 5...35
  /// The share that comes through a telephone: 8 kHz, half of them companded to 8 bits.
  public var telephoneShare: Float = 0.25

  public init() {}

  /// The recordings of a folder, by name, each of which can be opened.
  ///
  /// - Throws: `.notFound` for no such folder; `.invalidData` for none in it; what opening one throws.
  public static func recordings(in folder: String) throws -> [String] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      throw IdiolectError(.notFound, "\(folder): no such folder, or it cannot be read")
    }
    let paths = names.filter { !$0.hasPrefix(".") }.sorted().map { "\(folder)/\($0)" }
      .filter { FilePath.isFolder($0) == false }
    guard !paths.isEmpty else {
      throw IdiolectError(.invalidData, "\(folder): holds no recordings; give a folder of noises")
    }
    for path in paths { _ = try AudioReader(path) }
    return paths
  }

  /// The recording with what `random` draws for it; as many samples as before.
  ///
  /// - Parameters:
  ///   - samples: `[samples]`, mono, ±1.
  ///   - sampleRate: Hz.
  /// - Throws: `.invalidArgument` for a pitch out of range; `.unsupported` for a rate that cannot be resampled.
  public func callAsFunction(
    _ samples: [Float], sampleRate: Int, random: inout SeededRandom
  ) throws -> [Float] {
    var result = samples
    // A draw only where it is asked for: others' sequences stay.
    if pitchShare > 0, random.uniform() < pitchShare {
      result = try changePitch(
        result, semitones: random.uniform(semitones), sampleRate: sampleRate)
    }
    if random.uniform() < roomShare {
      result = addRoom(
        result, decaySeconds: random.uniform(decaySeconds),
        directDecibels: random.uniform(directDecibels), sampleRate: sampleRate, random: &random)
    }
    if random.uniform() < noiseShare {
      let colour = random.uniform() < 0.5 ? NoiseColour.white : .pink
      let decibels = random.uniform(signalToNoiseDecibels)
      result =
        excerpt(count: result.count, sampleRate: sampleRate, random: &random).map {
          addNoise(result, $0, signalToNoiseDecibels: decibels)
        } ?? addNoise(result, colour: colour, signalToNoiseDecibels: decibels, random: &random)
    }
    if random.uniform() < telephoneShare {
      result = try limitToTelephoneBand(
        result, sampleRate: sampleRate, compands: random.uniform() < 0.5)
    }
    return result
  }

  /// So many samples from anywhere in one of the noises, which begins anew where it is too short; nil where there
  /// is none, or it cannot be read: that is no fault of the recording.
  private func excerpt(
    count: Int, sampleRate: Int, random: inout SeededRandom
  ) -> [Float]? {
    guard !noises.isEmpty else { return nil }
    let path = noises[random.integer(below: noises.count)]
    let place = Double(random.uniform())
    let seconds = Double(count) / Double(sampleRate)
    // Of unknown length, its beginning.
    let whole = (try? AudioReader(path))?.description.durationSeconds
    let noise = try? readAudio(
      path, sampleRate: sampleRate, offsetSeconds: place * max(0, (whole ?? 0) - seconds),
      durationSeconds: min(seconds, whole ?? seconds))
    guard let noise, !noise.isEmpty else { return nil }
    return (0..<count).map { noise[$0 % noise.count] }
  }
}
