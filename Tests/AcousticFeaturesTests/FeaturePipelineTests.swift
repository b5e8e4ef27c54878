import AcousticFeatures
import Basics
import Testing

/// What the steps after a front end ask of a recording.
@Suite struct FeaturePipelineTests {
  /// Eight frames a stack: the message names the first length that has them.
  @Test func namesTheShortestRecording() throws {
    let pipeline = try PipelineConfiguration(
      .kaldiFbank(KaldiFbankConfiguration()), steps: [.stack(frames: 8, stride: 3, fill: nil)])
    let frontEnd = try FeaturePipeline(pipeline)
    // Windows of 400 samples every 160: the eighth ends here.
    let fewest = 400 + 7 * 160
    let error = #expect(throws: IdiolectError.self) {
      try frontEnd([Float](repeating: 0.1, count: fewest - 200))
    }
    #expect(
      error?.message.contains("at least \(fewest) (0.095 s)") == true, "\(error?.message ?? "")")
    #expect(frontEnd.frameCount(samples: fewest - 1).valid == 0)
    #expect(try frontEnd([Float](repeating: 0.1, count: fewest)).validFrames == 1)
  }

  /// So many samples as the message names are enough, and one less is not.
  @Test(arguments: FeaturePreset.allCases.map(\.rawValue), [16_000, 22_050, 48_000])
  func theNamedLengthIsEnough(_ preset: String, _ rate: Int) throws {
    let configuration = try FeaturePreset(named: preset).configuration(sampleRate: rate)
    // SpeechBrain's transform is too short above 16 kHz.
    guard let frontEnd = try? configuration.frontEnd() else { return }
    let joined = try FrontEndConfiguration.joined(
      JoinedConfiguration([configuration, configuration])
    ).frontEnd()
    for frontEnd in [frontEnd, joined] { try expectFewest(frontEnd) }
  }

  @Test func fewestSamples() throws {
    #expect(try expectFewest(KaldiPitch()) == 397)
    #expect(try expectFewest(LogMel()) == 320)
    // Every third sample from the first on: two between each of 512.
    var thinned = SpectralConfiguration.deepspeech()
    (thinned.sampleRate, thinned.keepsEvery) = (48_000, 3)
    #expect(try expectFewest(SpectralFrontEnd(thinned)) == 511 * 3 + 1)
    // Filled with zeros, one sample makes as many frames as any.
    var fixed = SpectralConfiguration.deepspeech()
    fixed.fixedSamples = 1000
    #expect(try expectFewest(SpectralFrontEnd(fixed)) == 1)
    // What follows may need more: two frames have a deviation, nine a polynomial.
    for (step, frames) in [
      (FeatureStep.standardise(Standardisation()), 2), (.deltas(Deltas(.polynomial, reach: 4)), 9),
    ] {
      let pipeline = PipelineConfiguration(.kaldiFbank(KaldiFbankConfiguration()), steps: [step])
      #expect(try expectFewest(FeaturePipeline(pipeline)) == 400 + (frames - 1) * 160)
    }
  }

  @discardableResult
  private func expectFewest(_ frontEnd: any FrontEnd) throws -> Int {
    let error = #expect(throws: IdiolectError.self) { try frontEnd([]) }
    let message = error?.message ?? ""
    let fewest = try #require(message.firstMatch(of: #/at least (\d+) /#).flatMap { Int($0.1) })
    var random = SeededRandom(seed: 1)
    let noise = (0..<fewest).map { _ in random.uniform() - 0.5 }
    #expect(try frontEnd(noise).validFrames > 0, "\(frontEnd.fingerprint)")
    let shorter = #expect(throws: IdiolectError.self) { try frontEnd(Array(noise.dropLast())) }
    #expect(shorter?.code == .invalidAudio && shorter?.message.hasPrefix("too short") == true)
    return fewest
  }

  /// What hears always as much never has more frames: no length is enough, and looking for one ends.
  @Test func noLengthIsEnough() throws {
    let whisper = FeaturePreset.whisper.configuration(sampleRate: 16_000)
    let pipeline = PipelineConfiguration(
      whisper, steps: (0..<3).map { _ in .stack(frames: 2, stride: 100, fill: nil) })
    let frontEnd = try FeaturePipeline(
      PipelineConfiguration(.pipeline(pipeline), steps: []))
    #expect(throws: IdiolectError.self) { try frontEnd([Float](repeating: 0.1, count: 16_000)) }
  }
}
