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

  /// In passes over pieces of 700 samples; how many of them were read in all.
  private func inPasses(
    _ configuration: FrontEndConfiguration, _ samples: [Float], held: Int
  ) throws -> (values: [Float], counts: (total: Int, valid: Int), read: Int) {
    var (values, read) = ([Float](), 0)
    let passes = try FeaturePasses(configuration, held: held)
    let counts = try passes { consume in
      for start in stride(from: 0, to: samples.count, by: 700) {
        let piece = Array(samples[start..<min(start + 700, samples.count)])
        read += piece.count
        guard try consume(piece) else { return }
      }
    } write: {
      values += $0
    }
    return (values, counts, read)
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
        let (values, counts, _) = try inPasses(configuration, samples, held: held)
        #expect(values == whole.values, "\(recording), \(held) samples held")
        #expect(counts.total == whole.frames && counts.valid == whole.validFrames)
      }
    }
  }

  @Test(arguments: [
    FeatureStep.deltas(Deltas(.kaldi)), .deltas(Deltas(.regression, reach: 3, order: 1)),
    .deltas(Deltas(.polynomial, reach: 4)), .slidingNormalisation(SlidingNormalisation()),
    .context(before: 3, after: 7), .stack(frames: 3, stride: 2, fill: 0.5),
    .stack(frames: 2, stride: 3, fill: nil), .stack(frames: 2, stride: 5, fill: 0.5),
    .stack(frames: 1, stride: 100, fill: 0.5),
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

  /// Stacks further apart than they are long leave frames out, and none is made of nothing but what fills it.
  @Test(arguments: [1, 2, 3, 5, 6, 7, 10, 11, 12, 728])
  func stacksApart(_ frames: Int) throws {
    let samples = Array(try speech().prefix(400 + (frames - 1) * 160))
    let configuration = FrontEndConfiguration.pipeline(
      PipelineConfiguration(
        .kaldiMFCC(KaldiMFCCConfiguration()), steps: [.stack(frames: 2, stride: 5, fill: 1e9)]))
    let whole = try? atOnce(configuration, samples)
    // Every fifth frame, from the first on.
    #expect(whole?.frames ?? 0 == (frames == 1 ? 0 : (frames + 4) / 5))
    for row in 0..<(whole?.frames ?? 0) { #expect(whole!.values[row * 26] < 1e8) }
    if let whole {
      #expect(try streamed(configuration, samples, seed: 1, most: 160) == whole.values)
    }
  }

  /// After any steps too, a recording in passes has the bits of one in memory; but sliding normalisation adds up from
  /// where the part begins.
  @Test func passesOfSteps() throws {
    let samples = try speech()
    for (steps, error) in [
      ([.deltas(Deltas(.kaldi)), .context(before: 1, after: 2)], 0),
      ([.deltas(Deltas(.polynomial, reach: 4)), .stack(frames: 3, stride: 7, fill: 0)], 0),
      ([.standardise(Standardisation()), .deltas(Deltas(.regression))], 0),
      ([.slidingNormalisation(SlidingNormalisation()), .deltas(Deltas(.kaldi, order: 1))], 1e-6),
    ] as [([FeatureStep], Double)] {
      let configuration = FrontEndConfiguration.pipeline(
        PipelineConfiguration(.kaldiMFCC(KaldiMFCCConfiguration()), steps: steps))
      let whole = try atOnce(configuration, samples)
      let (values, counts, _) = try inPasses(configuration, samples, held: 1000)
      #expect(counts.total == whole.frames && counts.valid == whole.validFrames)
      #expect(Golden.relativeError(values, whole.values) <= error, "\(steps)")
    }
  }

  /// The bar of a long recording ends where the reading does.
  @Test(arguments: FeaturePreset.allCases.map(\.rawValue)) func samplesRead(_ preset: String) throws
  {
    let configuration = try FeaturePreset(named: preset).configuration()
    let samples = try speech()
    for held in [7000, 1 << 22] {
      let (_, _, read) = try inPasses(configuration, samples, held: held)
      // The first pass ends with the piece that shows that the recording is long.
      #expect(
        (0...700).contains(
          read - (try FeaturePasses(configuration, held: held)).samplesRead(of: samples.count)))
    }
  }

  /// A convention that hears so many samples counts those that it keeps.
  @Test func fixedAndThinned() throws {
    var spectral = SpectralConfiguration.whisper(bands: 20)
    (spectral.sampleRate, spectral.keepsEvery, spectral.fixedSamples) = (48_000, 3, 16_000)
    let configuration = FrontEndConfiguration.spectral(spectral)
    #expect(configuration.heardSeconds == 1)
    var random = SeededRandom(seed: 5)
    let samples = (0..<96_000).map { _ in random.uniform() - 0.5 }
    let whole = try atOnce(configuration, samples)
    #expect(try inPasses(configuration, samples, held: 1000).values == whole.values)
  }

  /// What cannot be streamed says why, and what is long says how long it may be.
  @Test func whatPassesCannotDo() throws {
    let pitch = FrontEndConfiguration.joined(
      JoinedConfiguration([
        FeaturePreset.kaldiMFCC.configuration(sampleRate: 8000),
        FeaturePreset.kaldiPitch.configuration(sampleRate: 8000),
      ]))
    let error = #expect(throws: IdiolectError.self) { try FeatureStream(pitch) }
    #expect(error?.code == .unsupported && error?.message.contains("pitch") == true)
    let whisper = #expect(throws: IdiolectError.self) {
      try FeatureStream(FeaturePreset.whisper.configuration())
    }
    #expect(whisper?.message.contains("as many samples") == true)
    let passes = try FeaturePasses(pitch)
    let silence = [Float](repeating: 0, count: 8000 * 1801)
    let long = #expect(throws: IdiolectError.self) {
      try passes({ consume in while try consume(silence) {} }, write: { _ in })
    }
    #expect(long?.code == .unsupported && long?.message.contains("hour") == true)
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

  /// In chunks of a few samples too it is the sample that is named, and not the settings.
  @Test(arguments: [1, 50, 500], [Float.nan, .infinity, -3e38])
  func samplesThatAreNotSound(_ chunk: Int, _ value: Float) throws {
    var samples = [Float](repeating: 0.1, count: 1000)
    samples[777] = value
    for preset in [FeaturePreset.kaldiFbank, .deepspeechContext, .librosaMel] {
      let stream = try FeatureStream(preset.configuration())
      let error = #expect(throws: IdiolectError.self) {
        for start in stride(from: 0, to: 1000, by: chunk) {
          _ = try stream(samples[start..<start + chunk])
        }
      }
      #expect(error?.code == .invalidAudio && error?.message.contains("sample 777,") == true)
      let offline = #expect(throws: IdiolectError.self) {
        let frontEnd = try preset.configuration().frontEnd()
        return try frontEnd(samples)
      }
      #expect(offline?.message == error?.message)
    }
  }
}
