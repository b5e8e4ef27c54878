import AcousticFeatures
import AudioIO
import Basics
import Foundation
import TestSupport
import Testing

/// Any chunking gives the frames of the whole recording.
@Suite struct FeatureStreamTests {
  private func speech(_ name: String = "speech-7s") throws -> [Float] {
    try readAudio("\(Golden.directory)/features/presets/\(name).flac", sampleRate: nil)
  }

  /// All of a recording at once.
  private func atOnce(_ configuration: FrontEndConfiguration, _ samples: [Float]) throws -> Features
  {
    let frontEnd = try configuration.frontEnd()
    return try frontEnd(samples)
  }

  /// Streams in chunks of random size, 0 among them.
  private func streamed(
    _ configuration: FrontEndConfiguration, _ samples: [Float], seed: UInt64, most: Int,
    whole: FeatureStream.WholeRecording = .refused
  ) throws -> [Float] {
    let stream = try FeatureStream(configuration, whole: whole)
    var random = SeededRandom(seed: seed)
    var result: [Float] = []
    var place = 0
    while place < samples.count {
      let end = min(samples.count, place + random.integer(below: most + 1))
      result += try stream(samples[place..<end])
      place = end
    }
    return try result + stream.finish()
  }

  static let streamable: [FeaturePreset] = FeaturePreset.allCases.filter {
    (try? FeatureStream($0.configuration())) != nil
  }

  @Test func whichCanBeStreamed() {
    #expect(
      Set(FeatureStreamTests.streamable) == [
        .kaldiFbank, .kaldiMFCC, .kaldiMFCCHires, .librosaMel, .torchaudioMel, .deepspeech,
        .deepspeechContext, .pythonSpeechFeatures, .pythonSpeechFeaturesLogFbank,
      ])
    for preset in FeaturePreset.allCases where !FeatureStreamTests.streamable.contains(preset) {
      let error = #expect(throws: IdiolectError.self) { try FeatureStream(preset.configuration()) }
      #expect(error?.code == .unsupported)
    }
  }

  @Test(arguments: streamable.map(\.rawValue)) func everyChunking(_ preset: String) throws {
    let configuration = try FeaturePreset(named: preset).configuration()
    let frontEnd = try configuration.frontEnd()
    for recording in ["speech-20ms", "speech-500ms", "speech-odd", "speech-7s"] {
      let samples = try speech(recording)
      // Nothing where the recording is too short: the offline form says so.
      let isShort = frontEnd.frameCount(samples: samples.count).valid == 0
      let expected = isShort ? [] : try frontEnd(samples).values
      for most in [160, 5000, 400, 1_000_000, 1] where most > 1 || samples.count < 10_000 {
        let parts = try streamed(configuration, samples, seed: UInt64(most), most: most)
        #expect(parts == expected, "\(recording) in chunks up to \(most)")
      }
    }
  }

  /// A recording in passes has the bits of one in memory, whatever the convention looks at in all of it.
  @Test(arguments: FeaturePreset.allCases.map(\.rawValue)) func passes(_ preset: String) throws {
    let configuration = try FeaturePreset(named: preset).configuration()
    for recording in ["speech-20ms", "speech-odd", "speech-7s"] {
      let samples = try speech(recording)
      guard let whole = try? atOnce(configuration, samples) else { continue }
      for held in [1000, 1 << 22] {
        var values: [Float] = []
        let passes = try FeaturePasses(configuration, held: held)
        let counts = try passes { consume in
          for start in stride(from: 0, to: samples.count, by: 700) {
            guard try consume(Array(samples[start..<min(start + 700, samples.count)])) else {
              return
            }
          }
        } write: {
          values += $0
        }
        #expect(values == whole.values, "\(recording), \(held) samples held")
        #expect(counts.total == whole.frames && counts.valid == whole.validFrames)
      }
    }
  }

  @Test(arguments: [
    FeatureStep.deltas(Deltas(.kaldi)), .deltas(Deltas(.regression, reach: 3, order: 1)),
    .deltas(Deltas(.polynomial, reach: 4)), .slidingNormalisation(SlidingNormalisation()),
    .context(before: 3, after: 7), .stack(frames: 3, stride: 2, fill: 0.5),
    .stack(frames: 2, stride: 3, fill: nil),
    .affine(means: .init(repeating: 1, count: 13), scales: .init(repeating: 2, count: 13)),
  ]) func steps(_ step: FeatureStep) throws {
    let configuration = FrontEndConfiguration.pipeline(
      PipelineConfiguration(
        .kaldiMFCC(KaldiMFCCConfiguration()), steps: [step, .context(before: 1, after: 0)]))
    let samples = try speech()
    let whole = try atOnce(configuration, samples)
    for (seed, most) in [(1, 160), (2, 3000)] as [(UInt64, Int)] {
      let parts = try streamed(configuration, samples, seed: seed, most: most)
      #expect(parts.count == whole.values.count)
      #expect(Golden.relativeError(parts, whole.values) < 1e-6)
    }
  }

  @Test func centredSlidingWindows() throws {
    var sliding = SlidingNormalisation()
    (sliding.window, sliding.isCentred, sliding.scalesVariance) = (80, true, true)
    let configuration = FrontEndConfiguration.pipeline(
      PipelineConfiguration(
        .kaldiMFCC(KaldiMFCCConfiguration()), steps: [.slidingNormalisation(sliding)]))
    let samples = try speech()
    let parts = try streamed(configuration, samples, seed: 4, most: 700)
    #expect(Golden.relativeError(parts, try atOnce(configuration, samples).values) < 1e-6)
  }

  /// What looks at the whole recording has names of its own.
  @Test func withoutTheWhole() throws {
    let samples = try speech()
    let nemo = FeaturePreset.nemo.configuration()
    var plain = LogMelConfiguration()
    plain.normalization = .none
    let unnormalised = try LogMel(plain)(samples)
    let parts = try streamed(nemo, samples, seed: 1, most: 500, whole: .leftOut)
    #expect(parts == Array(unnormalised.values.prefix(unnormalised.validFrames * 80)))
    let names = try FeatureStream.WholeRecording.allCases.dropFirst().map {
      try FeatureStream(nemo, whole: $0).fingerprint
    }
    #expect(Set(names + [try nemo.frontEnd().fingerprint]).count == 3)
    // So far: the last frame has heard all, and is as in the whole.
    let running = try streamed(nemo, samples, seed: 2, most: 900, whole: .running)
    let whole = try atOnce(nemo, samples)
    let last = (whole.validFrames - 1) * 80..<whole.validFrames * 80
    #expect(running.count == last.upperBound)
    #expect(Golden.relativeError(Array(running[last]), Array(whole.values[last])) < 1e-4)
    for preset in [FeaturePreset.librosaMFCC, .speechbrainFbank, .wav2vec2] {
      let parts = try streamed(
        preset.configuration(), samples, seed: 3, most: 800, whole: .running)
      #expect(parts.count == (try atOnce(preset.configuration(), samples).values.count))
    }
    #expect(throws: IdiolectError.self) {
      try FeatureStream(FeaturePreset.whisper.configuration(), whole: .running)
    }
  }

  @Test func samplesThatAreNotSound() throws {
    let stream = try FeatureStream(FeaturePreset.kaldiFbank.configuration())
    #expect(throws: IdiolectError.self) { try stream([Float](repeating: .nan, count: 500)) }
  }
}
