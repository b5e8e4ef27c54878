import AcousticFeatures
import Basics
import Foundation
import Testing

/// Short, silent, damaged and concurrent input.
@Suite struct LogMelEdgeTests {
  func noise(_ count: Int) -> [Float] {
    var random = SeededRandom(seed: 7)
    return (0..<count).map { _ in 0.1 * random.normal() }
  }

  @Test(arguments: [0, 1, 159, 160, 319])
  func tooShortSaysHowLongIsEnough(count: Int) throws {
    let error = #expect(throws: IdiolectError.self) { try LogMel()(noise(count)) }
    #expect(error?.code == .invalidAudio)
    #expect(error?.message.contains("at least 320") == true)
  }

  @Test(arguments: [320, 399, 400, 511, 512, 513, 32_000])
  func framesAreValidThenZero(count: Int) throws {
    let frontEnd = try LogMel()
    let features = try frontEnd(noise(count))
    #expect(features.validFrames == count / 160)
    #expect(features.frames == count / 160 + 1)
    #expect(frontEnd.frameCount(samples: count) == (features.frames, features.validFrames))
    #expect(features.values.suffix(80).allSatisfy { $0 == 0 })
    #expect(features.values.prefix(80).contains { $0 != 0 })
  }

  @Test func kaldiTooShortSaysHowLongIsEnough() throws {
    let error = #expect(throws: IdiolectError.self) { try KaldiFbank()(noise(399)) }
    #expect(error?.message.contains("at least 400 (0.025 s)") == true)
    let other = #expect(throws: IdiolectError.self) {
      try frontEnd(named: "kaldi-fbank", sampleRate: 22_050).callAsFunction(noise(99))
    }
    #expect(other?.message.contains("at least 551 (0.025 s)") == true, "\(other?.message ?? "")")
    #expect(try KaldiFbank()(noise(400)).frames == 1)
    var configuration = KaldiFbankConfiguration()
    configuration.frame.snipsEdges = false
    #expect(throws: IdiolectError.self) { try KaldiFbank(configuration)(noise(79)) }
    #expect(try KaldiFbank(configuration)(noise(80)).frames == 1)
  }

  @Test(arguments: FeaturePreset.allCases.map(\.rawValue))
  func silenceIsFinite(name: String) throws {
    let frontEnd = try frontEnd(named: name)
    let features = try frontEnd([Float](repeating: 0, count: 4000))
    #expect(!features.values.contains { !$0.isFinite })
    if name == "nemo" { #expect(!features.values.contains { $0 != 0 }) }
  }

  @Test(arguments: FeaturePreset.allCases.map(\.rawValue), [Float.nan, .infinity, 3e38])
  func samplesThatAreNotSoundAreRefused(name: String, value: Float) throws {
    var samples = noise(4000)
    samples[2000] = value
    let frontEnd = try frontEnd(named: name)
    let error = #expect(throws: IdiolectError.self) { try frontEnd(samples) }
    #expect(error?.code == .invalidAudio)
    #expect(
      error?.message.contains("is \(value), not a number within ±1,000,000") == true,
      "\(error?.message ?? "")")
  }

  @Test func normalizationHasMeanZeroAndDeviationOne() throws {
    let features = try LogMel()(noise(16_000))
    for bin in [0, 40, 79] {
      let column = (0..<features.validFrames).map { Double(features.values[$0 * 80 + bin]) }
      let mean = column.reduce(0, +) / Double(column.count)
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count - 1)
      #expect(abs(mean) < 1e-5)
      #expect(abs(variance - 1) < 1e-3)
    }
  }

  @Test func threadsShareOneFrontEnd() async throws {
    let frontEnd = try LogMel()
    let samples = noise(8000)
    let expected = try frontEnd(samples)
    try await withThrowingTaskGroup(of: Features.self) { group in
      for _ in 0..<16 { group.addTask { try frontEnd(samples) } }
      for try await features in group { #expect(features == expected) }
    }
  }
}
