import AcousticFeatures
import AudioIO
import Basics
import Foundation
import TestSupport
import Testing

/// Whole tensors against kaldi-native-fbank.
@Suite struct KaldiParityTests {
  static let recordings = ["espeak", "flite", "noise"]

  func samples(_ recording: String) throws -> [Float] {
    try readAudio("\(Golden.directory)/features/\(recording).flac", sampleRate: nil)
  }

  func expectParity(_ frontEnd: some FrontEnd, _ samples: [Float], _ name: String) throws {
    let golden = try Golden.array("features/\(name)")
    let features = try frontEnd(samples)
    #expect([features.frames, features.bins] == golden.shape)
    #expect(features.validFrames == features.frames)
    #expect(frontEnd.frameCount(samples: samples.count) == (features.frames, features.validFrames))
    let error = Golden.relativeError(features.values, golden.values)
    #expect(error <= 1e-4, "\(name): \(error)")
  }

  @Test(arguments: recordings, [true, false])
  func filterbank(recording: String, snipsEdges: Bool) throws {
    var configuration = KaldiFbankConfiguration()
    configuration.mel.bands = 80
    configuration.frame.snipsEdges = snipsEdges
    try expectParity(
      KaldiFbank(configuration), samples(recording),
      "\(recording).\(snipsEdges ? "fbank" : "fbank-edges")")
  }

  @Test(arguments: recordings, [true, false])
  func cepstra(recording: String, snipsEdges: Bool) throws {
    var configuration = KaldiMFCCConfiguration()
    configuration.frame.snipsEdges = snipsEdges
    try expectParity(
      KaldiMFCC(configuration), samples(recording),
      "\(recording).\(snipsEdges ? "mfcc" : "mfcc-edges")")
  }

  /// 8 kHz, 30 ms every 12.5, Hamming, no pre-emphasis, offset kept, 60 Hz to 3,800.
  var unusualFrame: KaldiFrameConfiguration {
    var frame = KaldiFrameConfiguration()
    frame.sampleRate = 8000
    frame.frameLengthMilliseconds = 30
    frame.frameShiftMilliseconds = 12.5
    frame.window = .hamming
    frame.preemphasis = 0
    frame.removesOffset = false
    return frame
  }

  var unusualMel: KaldiMelConfiguration {
    var mel = KaldiMelConfiguration()
    mel.lowHz = 60
    mel.highHz = -200
    return mel
  }

  func narrow() throws -> [Float] {
    let samples = try samples("espeak")
    return stride(from: 0, to: samples.count, by: 2).map { samples[$0] }
  }

  @Test func filterbankWithEveryOptionChanged() throws {
    var configuration = KaldiFbankConfiguration()
    configuration.frame = unusualFrame
    configuration.mel = unusualMel
    configuration.mel.bands = 30
    configuration.usesEnergy = true
    configuration.usesRawEnergy = false
    try expectParity(KaldiFbank(configuration), narrow(), "espeak.fbank-unusual")
  }

  @Test func linearMagnitudes() throws {
    var configuration = KaldiFbankConfiguration()
    configuration.frame = unusualFrame
    configuration.mel = unusualMel
    configuration.mel.bands = 80
    configuration.usesLogarithm = false
    configuration.usesPower = false
    try expectParity(KaldiFbank(configuration), narrow(), "espeak.fbank-linear")
  }

  @Test func cepstraWithEveryOptionChanged() throws {
    var configuration = KaldiMFCCConfiguration()
    configuration.frame = unusualFrame
    configuration.mel = unusualMel
    configuration.mel.bands = 30
    configuration.coefficients = 20
    configuration.usesEnergy = false
    configuration.lifter = 0
    try expectParity(KaldiMFCC(configuration), narrow(), "espeak.mfcc-unusual")
  }

  @Test func energyFloor() throws {
    var configuration = KaldiMFCCConfiguration()
    configuration.energyFloor = 1e9
    configuration.usesRawEnergy = false
    try expectParity(KaldiMFCC(configuration), samples("espeak"), "espeak.mfcc-floor")
  }

  @Test func ditherIsTheSameInEveryRun() throws {
    var configuration = KaldiFbankConfiguration()
    configuration.frame.dither = 1
    let samples = try samples("noise")
    let dithered = try KaldiFbank(configuration)(samples)
    #expect(try KaldiFbank(configuration)(samples) == dithered)
    configuration.frame.dither = 0
    #expect(try KaldiFbank(configuration)(samples) != dithered)
  }
}
