import AudioIO
import Basics
import Foundation
import TestSupport
import Testing

/// Against python-soxr at the same quality.
@Suite struct ResamplerParityTests {
  static let stereo = "\(Golden.directory)/audio/stereo-44100.flac"

  @Test(arguments: [8000, 16_000, 48_000])
  func stereoBecomesMonoAtAnotherRate(rate: Int) throws {
    let golden = try Golden.array("audio/stereo-44100.mono-\(rate)")
    let samples = try readAudio(Self.stereo, sampleRate: rate)
    #expect(Golden.relativeError(samples, golden.values) <= 1e-6)
  }

  @Test func anAbsurdRateIsRefused() throws {
    for rate in [0, -1, 100, Int.max] {
      #expect(throws: IdiolectError.self) { try readAudio(Self.stereo, sampleRate: rate) }
    }
    #expect(throws: IdiolectError.self) { try resample([1], from: .nan, to: 8000) }
    #expect(throws: IdiolectError.self) { try resample([1], from: 0, to: 8000) }
  }

  @Test func aToneKeepsItsHeightAndALevelItsValue() throws {
    let tone = (0..<16_000).map { Float(0.5 * sin(2 * Double.pi * 440 * Double($0) / 16_000)) }
    let result = try resample(tone, from: 16_000, to: 44_100)
    #expect(result.count == 44_100)
    for index in stride(from: 2000, to: 42_000, by: 997) {
      let expected = 0.5 * sin(2 * Double.pi * 440 * Double(index) / 44_100)
      #expect(abs(Double(result[index]) - expected) < 1e-5)
    }
  }

  @Test func nothingAndOneSample() throws {
    #expect(try resample([], from: 8000, to: 16_000).isEmpty)
    #expect(try resample([0.5], from: 16_000, to: 16_000) == [0.5])
    #expect(try resample([0.5], from: 8000, to: 16_000).count <= 3)
  }
}
