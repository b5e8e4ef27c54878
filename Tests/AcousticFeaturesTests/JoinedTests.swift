import AcousticFeatures
import AudioIO
import Basics
import Foundation
import TestSupport
import Testing

/// Front ends side by side, and statistics of a corpus.
@Suite struct JoinedTests {
  private func speech() throws -> [Float] {
    try readAudio("\(Golden.directory)/features/presets/speech-7s.flac", sampleRate: nil)
  }

  @Test func pitchBesideCoefficients() throws {
    let samples = try speech()
    let parts = [FeaturePreset.kaldiMFCC.configuration(), FeaturePreset.kaldiPitch.configuration()]
    let configuration = FrontEndConfiguration.joined(JoinedConfiguration(parts))
    let joined = try configuration.frontEnd()
    let features = try joined(samples)
    let (mfcc, pitch) = (try parts[0].frontEnd(), try parts[1].frontEnd())
    let (left, right) = (try mfcc(samples), try pitch(samples))
    #expect(features.bins == 16 && joined.bins == 16)
    #expect(features.frames == min(left.frames, right.frames))
    #expect(joined.frameCount(samples: samples.count).valid == features.validFrames)
    for frame in 0..<features.frames {
      let row = features.values[frame * 16..<(frame + 1) * 16]
      #expect(
        Array(row)
          == Array(left.values[frame * 13..<(frame + 1) * 13])
          + Array(right.values[frame * 3..<(frame + 1) * 3]))
    }
    let coded = try JSONDecoder().decode(
      FrontEndConfiguration.self, from: JSONEncoder().encode(configuration))
    #expect(coded == configuration)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    for parts in [
      [], [FeaturePreset.kaldiMFCC.configuration(), FeaturePreset.librosaMel.configuration()],
      [
        FeaturePreset.kaldiMFCC.configuration(),
        FeaturePreset.kaldiPitch.configuration(sampleRate: 8000),
      ],
    ] {
      let error = #expect(throws: IdiolectError.self) { try Joined(JoinedConfiguration(parts)) }
      #expect(error?.code == .invalidArgument)
    }
  }

  /// Kaldi's hop is 220 samples at 22,050 Hz and 110 at 11,025, that of pitch 10 ms: the row nearest in time stands
  /// beside each, to the end of the recording.
  @Test(arguments: [(22_050, 220.5 / 220), (11_025, 110.25 / 110), (44_100, 1)])
  func pitchKeepsPace(_ rate: Int, _ pace: Double) throws {
    var random = SeededRandom(seed: 3)
    let samples = (0..<rate * 12).map { _ in random.uniform() - 0.5 }
    let parts = [FeaturePreset.kaldiMFCC, .kaldiPitch].map { $0.configuration(sampleRate: rate) }
    let joined = try Joined(JoinedConfiguration(parts))
    let features = try joined(samples)
    let (mfccOf, pitchOf) = (try parts[0].frontEnd(), try parts[1].frontEnd())
    let (mfcc, pitch) = (try mfccOf(samples), try pitchOf(samples))
    for frame in 0..<features.frames {
      let beside = Int((Double(frame) / pace).rounded())
      #expect(
        Array(features.values[frame * 16..<(frame + 1) * 16])
          == Array(mfcc.values[frame * 13..<(frame + 1) * 13])
          + Array(pitch.values[beside * 3..<(beside + 1) * 3]), "frame \(frame)")
    }
    #expect(mfcc.frames - features.frames <= 2)
    #expect(joined.frameCount(samples: samples.count).valid == features.frames)
  }

  /// Parts that can be streamed are streamed side by side, be their hops a little apart and their delays others; in
  /// passes too, where each of them looks at the whole.
  @Test func streamedSideBySide() throws {
    var random = SeededRandom(seed: 4)
    let samples = (0..<22_050 * 6).map { _ in random.uniform() - 0.5 }
    let rate = 22_050
    let deltas = FrontEndConfiguration.pipeline(
      PipelineConfiguration(
        FeaturePreset.pythonSpeechFeatures.configuration(sampleRate: rate),
        steps: [.deltas(Deltas(.regression))]))
    // 221 samples beside 220.
    let mfcc = FeaturePreset.kaldiMFCC.configuration(sampleRate: rate)
    let normalised = FrontEndConfiguration.pipeline(
      PipelineConfiguration(mfcc, steps: [.standardise(Standardisation())]))
    for parts in [[mfcc, deltas], [deltas, mfcc], [normalised, deltas, normalised]] {
      let joined = FrontEndConfiguration.pipeline(
        PipelineConfiguration(
          .joined(JoinedConfiguration(parts)), steps: [.context(before: 1, after: 1)]))
      let frontEnd = try joined.frontEnd()
      let whole = try frontEnd(samples)
      #expect(whole.bins == 3 * (parts.count == 3 ? 65 : 52))
      var values: [Float] = []
      let counts = try FeaturePasses(joined, held: 1000)(
        { consume in
          for start in stride(from: 0, to: samples.count, by: 777) {
            guard try consume(Array(samples[start..<min(start + 777, samples.count)])) else {
              return
            }
          }
        }, write: { values += $0 })
      #expect(values == whole.values && counts.valid == whole.validFrames)
      guard parts.count == 2 else {
        #expect(throws: IdiolectError.self) { try FeatureStream(joined) }
        let running = try FeatureStream(joined, whole: .running)
        #expect(running.fingerprint.hasPrefix("running-"))
        continue
      }
      let stream = try FeatureStream(joined)
      #expect(stream.fingerprint == frontEnd.fingerprint)
      var streamed: [Float] = []
      for start in stride(from: 0, to: samples.count, by: 160) {
        streamed += try stream(samples[start..<min(start + 160, samples.count)])
      }
      streamed += try stream.finish()
      #expect(streamed == whole.values)
    }
  }

  /// Statistics of a recording, in two parts and through a file, normalise it.
  @Test func statistics() throws {
    let samples = try speech()
    let frontEnd = try FeaturePreset.kaldiFbank.configuration().frontEnd()
    let features = try frontEnd(samples)
    var statistics = FeatureStatistics(frontEnd)
    let half = features.frames / 2
    statistics.add(features.values, frames: half)
    // What is not valid does not count.
    statistics.add(
      Array(features.values[(half * 80)...]) + [Float](repeating: 1e9, count: 80),
      frames: features.frames - half)
    let read = try FeatureStatistics(Data(statistics.json().utf8), name: "global.json")
    #expect(read.frames == features.frames && read.fingerprint == frontEnd.fingerprint)
    let pipeline = try FeaturePipeline(
      PipelineConfiguration(
        FeaturePreset.kaldiFbank.configuration(),
        steps: [.affine(means: read.means, scales: read.scales)]))
    let normalised = try pipeline(samples)
    for bin in [0, 40, 79] {
      let column = (0..<normalised.frames).map { Double(normalised.values[$0 * 80 + bin]) }
      let mean = column.reduce(0, +) / Double(column.count)
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count)
      #expect(abs(mean) < 1e-5 && abs(variance - 1) < 1e-5)
    }
  }

  @Test(arguments: [
    "", "{}", #"{"front_end": "x", "frames": 0, "means": [1], "variances": [1]}"#,
    #"{"front_end": "x", "frames": 2, "means": [1, 2], "variances": [1]}"#,
    #"{"front_end": "x", "frames": 2, "means": [1], "variances": [-1]}"#,
  ])
  func garbageIsRefused(_ text: String) {
    let error = #expect(throws: IdiolectError.self) {
      try FeatureStatistics(Data(text.utf8), name: "global.json")
    }
    #expect(error?.code == .invalidData && error?.message.hasPrefix("global.json") == true)
  }

  /// Bands between the bins of torchaudio's 400 points.
  @Test func emptyBands() {
    #expect(FeaturePreset.torchaudioMel.configuration().emptyBands == [0, 3, 6, 13])
    #expect(FeaturePreset.torchaudioMel.configuration(sampleRate: 48_000).emptyBands.count == 17)
    #expect(FeaturePreset.nemo.configuration().emptyBands.isEmpty)
    #expect(FeaturePreset.wav2vec2.configuration().emptyBands.isEmpty)
    // Of joined parts those of each, counted on.
    let parts = [FeaturePreset.torchaudioMFCC, .torchaudioMel].map { $0.configuration() }
    #expect(
      FrontEndConfiguration.joined(JoinedConfiguration(parts)).emptyBands
        == [0, 3, 6, 13, 128, 131, 134, 141])
  }
}
