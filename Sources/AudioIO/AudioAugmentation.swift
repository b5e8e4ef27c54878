public import Basics

/// What may happen to a recording before it is trained on: a room, a noise, a telephone, in that order.
public struct AudioAugmentation: Sendable, Codable, Hashable {
  /// The share of recordings that sound as in a room.
  public var roomShare: Float = 0.3
  /// RT60 of the rooms, in seconds.
  public var decaySeconds: ClosedRange<Float> = 0.1...0.6
  /// Direct sound over reflections, in decibels.
  public var directDecibels: ClosedRange<Float> = 0...12
  /// The share that gets noise, white or pink.
  public var noiseShare: Float = 0.5
  /// Signal over noise, in decibels.
  public var signalToNoiseDecibels: ClosedRange<Float> = 5...35
  /// The share that comes through a telephone: 8 kHz, half of them companded to 8 bits.
  public var telephoneShare: Float = 0.25

  public init() {}

  /// The recording with what `random` draws for it; as many samples as before.
  ///
  /// - Parameters:
  ///   - samples: `[samples]`, mono, ±1.
  ///   - sampleRate: Hz.
  public func callAsFunction(
    _ samples: [Float], sampleRate: Int, random: inout SeededRandom
  ) throws -> [Float] {
    var result = samples
    if random.uniform() < roomShare {
      result = addRoom(
        result, decaySeconds: random.uniform(decaySeconds),
        directDecibels: random.uniform(directDecibels), sampleRate: sampleRate, random: &random)
    }
    if random.uniform() < noiseShare {
      result = addNoise(
        result, colour: random.uniform() < 0.5 ? .white : .pink,
        signalToNoiseDecibels: random.uniform(signalToNoiseDecibels), random: &random)
    }
    if random.uniform() < telephoneShare {
      result = try limitToTelephoneBand(
        result, sampleRate: sampleRate, compands: random.uniform() < 0.5)
    }
    return result
  }
}
