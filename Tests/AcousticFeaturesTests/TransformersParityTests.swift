import AcousticFeatures
import AudioIO
import Basics
import Foundation
import TestSupport
import Testing

/// Whole tensors against `ParakeetFeatureExtractor` of transformers.
@Suite struct TransformersParityTests {
  @Test(arguments: ["espeak", "flite", "noise"])
  func logMelMatchesParakeet(recording: String) throws {
    let samples = try readAudio("\(Golden.directory)/features/\(recording).flac", sampleRate: nil)
    let golden = try Golden.array("features/\(recording).nemo")
    let features = try LogMel()(samples)
    #expect([features.frames, features.bins] == golden.shape)
    #expect(
      Float(features.validFrames)
        == (try Golden.array("features/\(recording).nemo.valid").values[0]))
    let error = Golden.relativeError(features.values, golden.values)
    #expect(error <= 1e-4, "\(error)")
  }

  @Test func everyLengthSettingMatches() throws {
    let samples = try readAudio("\(Golden.directory)/features/espeak.flac", sampleRate: nil)
    var configuration = LogMelConfiguration()
    configuration.sampleRate = 8000
    configuration.melBins = 40
    configuration.hopLength = 200
    configuration.fftLength = 600
    configuration.windowLength = 500
    configuration.preemphasis = 0.5
    let half = stride(from: 0, to: samples.count, by: 2).map { samples[$0] }
    let features = try LogMel(configuration)(half)
    let golden = try Golden.array("features/espeak.nemo-wide")
    #expect([features.frames, features.bins] == golden.shape)
    #expect(Golden.relativeError(features.values, golden.values) <= 1e-4)
  }
}
