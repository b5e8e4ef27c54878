import AcousticFeatures
import AudioIO
import Basics
import Foundation
import TestSupport
import Testing

/// Sound of features has those features again, nearly.
@Suite struct InversionTests {
  @Test(arguments: [
    "nemo", "kaldi-fbank", "librosa-mel", "librosa-mfcc", "torchaudio-mel", "kaldi-mfcc",
    "deepspeech", "speechbrain-fbank",
  ])
  func roundTrip(_ name: String) throws {
    let samples = try readAudio(
      "\(Golden.directory)/features/presets/speech-500ms.flac", sampleRate: nil)
    let configuration = try FeaturePreset(named: name).configuration()
    let sound = try SpectrogramInversion(configuration)(samples)
    #expect(sound.count == samples.count && sound.allSatisfy { $0.isFinite })
    // In one measure for all: the logarithmic mel energies of the loudest frames.
    var measure = LogMelConfiguration()
    measure.normalization = .none
    measure.melBins = 20
    let frontEnd = try LogMel(measure)
    let before = try frontEnd(samples)
    /// Mean distance over what is not silent, in nepers.
    func distance(_ other: [Float]) throws -> Double {
      let after = try frontEnd(other)
      let loud = (0..<before.validFrames * 20).filter { before.values[$0] > -6 }
      #expect(loud.count > 100)
      return loud.reduce(0) { $0 + abs(Double(before.values[$1] - after.values[$1])) }
        / Double(loud.count)
    }
    var random = SeededRandom(seed: 1)
    let level = (samples.reduce(0) { $0 + $1 * $1 } / Float(samples.count)).squareRoot()
    let noise = try distance(samples.map { _ in level * random.normal() })
    let heard = try distance(sound)
    // Coefficients keep an envelope alone.
    #expect(
      heard < (name.hasSuffix("mel") || name.hasSuffix("fbank") ? 0.5 : 0.85) * noise,
      "\(heard), noise \(noise)")
    #expect(try SpectrogramInversion(configuration)(samples) == sound)
    // No click at the ends outdoes the speech.
    let own = (sound.reduce(0) { $0 + $1 * $1 } / Float(sound.count)).squareRoot()
    #expect(own > level / 2 && own < 2 * level, "\(own) of \(level)")
    #expect((sound.map(abs).max() ?? 0) < 2 * (samples.map(abs).max() ?? 0))
  }

  /// Of 48 kHz that is thinned to 16, sound comes out at 16.
  @Test func thinned() throws {
    let inversion = try SpectrogramInversion(
      FeaturePreset.wavenet.configuration(sampleRate: 48_000))
    #expect(inversion.sampleRate == 48_000 && inversion.outputSampleRate == 16_000)
    let sound = try inversion([Float](repeating: 0.1, count: 48_000))
    #expect(abs(sound.count - 16_000) < 512)
  }

  /// All of its spectra would be held: an hour takes gigabytes.
  @Test func whatIsTooLong() throws {
    let inversion = try SpectrogramInversion(
      FeaturePreset.kaldiFbank.configuration(sampleRate: 8000))
    let samples = [Float](
      repeating: 0, count: Int(SpectrogramInversion.longestSeconds) * 8000 + 1)
    let error = #expect(throws: IdiolectError.self) { try inversion(samples) }
    #expect(error?.code == .unsupported && error?.message.contains("10 minutes") == true)
  }

  @Test func whatIsNoSpectrum() {
    for preset in [FeaturePreset.kaldiPitch, .wav2vec2] {
      #expect(throws: IdiolectError.self) { try SpectrogramInversion(preset.configuration()) }
    }
  }
}
