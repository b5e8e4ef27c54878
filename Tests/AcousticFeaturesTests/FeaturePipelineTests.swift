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
