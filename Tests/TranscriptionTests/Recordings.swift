import AudioIO
import Basics
import Foundation
import TestSupport

/// Recordings that tests make: noise with pauses.
enum Recordings {
  static let sampleRate = 16_000

  /// Noise of about `seconds`, quieter than a whisper in each of the `pauses`, in seconds.
  static func noise(seconds: Double, seed: UInt64, pauses: [ClosedRange<Double>] = []) -> [Float] {
    var random = SeededRandom(seed: seed)
    return (0..<Int(seconds * Double(sampleRate))).map { index in
      let time = Double(index) / Double(sampleRate)
      let level: Float = pauses.contains { $0.contains(time) } ? 0.0005 : 0.25
      return random.uniform(-level...level)
    }
  }

  /// Writes such recordings as `0.wav`, `1.wav` and so on; the paths.
  static func write(seconds: [Double], to directory: String) throws -> [String] {
    try seconds.enumerated().map { index, seconds in
      let path = "\(directory)/\(index).wav"
      try AudioWriter.write(
        noise(seconds: seconds, seed: UInt64(index)), sampleRate: sampleRate, to: path)
      return path
    }
  }
}
