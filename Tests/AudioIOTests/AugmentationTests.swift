import AudioIO
import Basics
import Foundation
import Testing

@Suite struct AugmentationTests {
  func tone(_ hertz: Double, count: Int = 16_000) -> [Float] {
    (0..<count).map { Float(0.5 * sin(2 * Double.pi * hertz * Double($0) / 16_000)) }
  }

  func power(_ samples: some Sequence<Float>) -> Double {
    samples.reduce(0) { $0 + Double($1 * $1) }
  }

  /// Power at one frequency (Goertzel).
  func power(_ samples: [Float], at hertz: Double) -> Double {
    var (real, imaginary) = (0.0, 0.0)
    for (index, sample) in samples.enumerated() {
      let angle = 2 * Double.pi * hertz * Double(index) / 16_000
      real += Double(sample) * cos(angle)
      imaginary += Double(sample) * sin(angle)
    }
    return real * real + imaginary * imaginary
  }

  @Test(arguments: [Float(0.9), 1.1, 2])
  func speedChangesPitchAndLengthTogether(factor: Float) throws {
    let faster = try changeSpeed(tone(500), factor: factor, sampleRate: 16_000)
    #expect(abs(faster.count - Int(16_000 / factor)) <= 1)
    #expect(power(faster, at: 500 * Double(factor)) > 100 * power(faster, at: 500))
    #expect(try changeSpeed(tone(500), factor: factor, sampleRate: 16_000) == faster)
  }

  @Test func speedOneChangesNothing() throws {
    #expect(try changeSpeed(tone(500), factor: 1, sampleRate: 16_000) == tone(500))
    for factor in [0, -1, Float.nan, .infinity] {
      #expect(throws: IdiolectError.self) {
        try changeSpeed([1], factor: factor, sampleRate: 16_000)
      }
    }
  }

  @Test(arguments: [Float(-5), -2, -0.5, 0.5, 2, 5])
  func pitchChangesAlone(semitones: Float) throws {
    let shifted = try changePitch(tone(500), semitones: semitones, sampleRate: 16_000)
    let factor = pow(2, Double(semitones) / 12)
    #expect(shifted.count == 16_000)
    #expect(power(shifted, at: 500 * factor) > 20 * power(shifted, at: 500))
    // All of a pure tone stays one, but for what little the windows' seams add.
    #expect(power(shifted, at: 500 * factor) > 0.9 * power(tone(500), at: 500))
    #expect(try changePitch(tone(500), semitones: semitones, sampleRate: 16_000) == shifted)
  }

  /// A click stays where it was, to the reach of the search.
  @Test(arguments: [Float(-3), 3]) func pitchKeepsTime(semitones: Float) throws {
    for place in [3000, 8000, 12_000] {
      var clicks = [Float](repeating: 0, count: 16_000)
      for offset in 0..<40 { clicks[place + offset] = sin(Float(offset) * 0.7) }
      let shifted = try changePitch(clicks, semitones: semitones, sampleRate: 16_000)
      let heard = shifted.indices.max { abs(shifted[$0]) < abs(shifted[$1]) }!
      #expect(abs(heard - place) < 400)
    }
  }

  @Test func pitchOfOddInput() throws {
    for count in [0, 1, 2, 100, 640, 641, 700] {
      let short = tone(500, count: count)
      #expect(try changePitch(short, semitones: 2, sampleRate: 16_000).count == count)
      for factor in [Float(0.5), 1, 2] {
        let paced = changePace(short, factor: factor, sampleRate: 16_000)
        #expect(paced.count == Int((Double(count) / Double(factor)).rounded()))
        #expect(paced.allSatisfy { $0.isFinite })
      }
    }
    #expect(try changePitch(tone(500), semitones: 0, sampleRate: 16_000) == tone(500))
    for semitones in [Float.nan, 13, -13] {
      #expect(throws: IdiolectError.self) {
        try changePitch([1], semitones: semitones, sampleRate: 16_000)
      }
    }
  }

  @Test func gainIsInDecibels() {
    let louder = changeGain([0.1, -0.2], decibels: 20)
    #expect(abs(louder[0] - 1) < 1e-6 && abs(louder[1] + 2) < 1e-6)
  }

  @Test(arguments: NoiseColour.allCases, [Float(-5), 0, 20])
  func noiseHasTheRatioAsked(colour: NoiseColour, decibels: Float) {
    var random = SeededRandom(seed: 3)
    let clean = tone(440)
    let noisy = addNoise(clean, colour: colour, signalToNoiseDecibels: decibels, random: &random)
    let ratio = power(clean) / power(zip(noisy, clean).map { $0 - $1 })
    #expect(abs(10 * log10(ratio) - Double(decibels)) < 0.01)
    var again = SeededRandom(seed: 3)
    #expect(
      addNoise(clean, colour: colour, signalToNoiseDecibels: decibels, random: &again) == noisy)
  }

  @Test func pinkNoiseFallsByThreeDecibelsAnOctave() {
    var random = SeededRandom(seed: 4)
    let level = [Float](repeating: 1, count: 32_000)
    let noisy = addNoise(level, colour: .pink, signalToNoiseDecibels: 0, random: &random)
    let noise = noisy.map { $0 - 1 }
    func band(_ low: Double) -> Double {
      stride(from: low, to: 2 * low, by: low / 64).reduce(0) { $0 + power(noise, at: $1) } / 64
    }
    // From 250 Hz to 2,000 are three octaves: 9 dB in density.
    #expect(abs(10 * log10(band(250) / band(2000)) - 9) < 2)
  }

  @Test func silenceGetsNoNoise() {
    var random = SeededRandom(seed: 1)
    let silence = [Float](repeating: 0, count: 10)
    #expect(
      addNoise(silence, colour: .white, signalToNoiseDecibels: 10, random: &random) == silence)
    #expect(addNoise([], colour: .pink, signalToNoiseDecibels: 10, random: &random).isEmpty)
  }

  @Test func theTelephonePassesLowTonesOnly() throws {
    let low = try limitToTelephoneBand(tone(1000), sampleRate: 16_000)
    let high = try limitToTelephoneBand(tone(6000), sampleRate: 16_000)
    #expect(low.count == 16_000 && high.count == 16_000)
    #expect(power(low[1000..<15_000]) / power(tone(1000)[1000..<15_000]) > 0.99)
    #expect(power(high) / power(tone(6000)) < 1e-3)
    #expect(try limitToTelephoneBand([0.1, 0.2], sampleRate: 8000) == [0.1, 0.2])
    #expect(try limitToTelephoneBand([0.1], sampleRate: 16_000).count == 1)
  }
}
