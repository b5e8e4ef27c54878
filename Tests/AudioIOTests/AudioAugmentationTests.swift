import AudioIO
import Basics
import Foundation
import Testing

/// Rooms, telephones and the draws among them.
@Suite struct AudioAugmentationTests {
  private let clicks = (0..<16_000).map { $0 == 4000 ? Float(1) : 0 }

  private func power(_ samples: some Sequence<Float>) -> Double {
    samples.reduce(0) { $0 + Double($1 * $1) }
  }

  @Test(arguments: [Float(0), 6, 12]) func reflectionsHaveTheirPowerAndDieAway(decibels: Float) {
    var random = SeededRandom(seed: 5)
    let heard = addRoom(
      clicks, decaySeconds: 0.4, directDecibels: decibels, sampleRate: 16_000, random: &random)
    #expect(heard.count == clicks.count && heard[4000] == 1)
    #expect(heard[..<4000].allSatisfy { $0 == 0 })
    let reflections = heard[4001...]
    #expect(abs(10 * log10(power(reflections)) + Double(decibels)) < 0.01)
    // From 0.05 s to 0.25 s is half of the 60 dB: in windows of 0.05 s, that many impulses.
    let fall = power(heard[4800..<5600]) / power(heard[8000..<8800])
    #expect(abs(10 * log10(fall) - 30) < 3)
    #expect(heard[(4000 + 6400 + 20)...].allSatisfy { $0 == 0 })
  }

  @Test func compandingKeepsEightBits() throws {
    let tone = (0..<8000).map { Float(0.3 * sin(Double($0) * 0.2)) }
    let plain = try limitToTelephoneBand(tone, sampleRate: 16_000)
    let coded = try limitToTelephoneBand(tone, sampleRate: 16_000, compands: true)
    let ratio = power(plain) / power(zip(plain, coded).map { $0 - $1 })
    // G.711 has about 38 dB, whatever the level.
    #expect((30...45).contains(10 * log10(ratio)))
    #expect(
      try limitToTelephoneBand([0, 0, 0], sampleRate: 16_000, compands: true).allSatisfy { $0 == 0 }
    )
  }

  /// Recorded noise in place of made: at its ratio, from anywhere in it, again from the start where it is short.
  @Test func recordedNoise() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/noises-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(throws: IdiolectError.self) { try AudioAugmentation.recordings(in: folder) }
    #expect(throws: IdiolectError.self) { try AudioAugmentation.recordings(in: folder + "/no") }
    let hum = (0..<3000).map { Float(0.4 * sin(Double($0) * 0.05)) }
    try AudioWriter.write(hum, sampleRate: 16_000, to: folder + "/hum.wav")
    var augmentation = AudioAugmentation()
    augmentation.noises = try AudioAugmentation.recordings(in: folder)
    (augmentation.roomShare, augmentation.telephoneShare, augmentation.noiseShare) = (0, 0, 1)
    augmentation.signalToNoiseDecibels = 10...10
    let speech = (0..<8000).map { Float(sin(Double($0) * 0.3) * 0.2) }
    var random = SeededRandom(seed: 2)
    let noisy = try augmentation(speech, sampleRate: 16_000, random: &random)
    let added = zip(noisy, speech).map { $0 - $1 }
    #expect(abs(10 * log10(power(speech) / power(added)) - 10) < 0.01)
    // The hum, louder or softer.
    let scale = added[100] / hum[100]
    #expect(zip(added, hum + hum + hum).allSatisfy { abs($0 - scale * $1) < 1e-3 })
    // Of a longer one, any part.
    var source = SeededRandom(seed: 9)
    let hiss = (0..<40_000).map { _ in source.uniform(-0.5...0.5) }
    try AudioWriter.write(hiss, sampleRate: 16_000, to: folder + "/hum.wav")
    let parts = try (0..<3).map { seed -> [Float] in
      var random = SeededRandom(seed: UInt64(seed))
      return try augmentation(speech, sampleRate: 16_000, random: &random)
    }
    #expect(Set(parts).count == 3)
    // Lost in the meantime, it is no reason to lose the recording.
    try FileManager.default.removeItem(atPath: folder + "/hum.wav")
    let made = try augmentation(speech, sampleRate: 16_000, random: &random)
    #expect(made != speech && made.count == speech.count)
    try Data("no sound".utf8).write(to: URL(fileURLWithPath: folder + "/text.txt"))
    #expect(throws: IdiolectError.self) { try AudioAugmentation.recordings(in: folder) }
  }

  @Test func drawsFollowTheSeedAndTheShares() throws {
    let speech = (0..<4000).map { Float(sin(Double($0) * 0.3) * 0.2) }
    func draw(_ augmentation: AudioAugmentation, _ seed: UInt64) throws -> [Float] {
      var random = SeededRandom(seed: seed)
      return try augmentation(speech, sampleRate: 16_000, random: &random)
    }
    #expect(try draw(.init(), 3) == draw(.init(), 3))
    let drawn = try (0..<200).map { try draw(.init(), $0) }
    // 0.7 · 0.5 · 0.75 stay as they are.
    #expect((35...70).contains(drawn.count { $0 == speech }))
    #expect(drawn.allSatisfy { $0.count == speech.count && $0.allSatisfy(\.isFinite) })
    var none = AudioAugmentation()
    (none.roomShare, none.noiseShare, none.telephoneShare) = (0, 0, 0)
    #expect(try draw(none, 1) == speech)
    for seed in 0..<20 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      #expect(try AudioAugmentation()([], sampleRate: 16_000, random: &random).isEmpty)
    }
  }
}
