import AcousticFeatures
import AcousticModels
import Adaptation
import AudioIO
import Basics
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport
import Testing
import Transcription

/// Adaptation to one recording: what it gives, what it refuses, and that it leaves nothing behind.
struct TestTimeTests {
  private let model: AcousticModel

  init() throws {
    let directory = try Overfitted.outcome.get().directory
    model = try onEngine { try AcousticModel(directory: directory) }
  }

  private func weights() throws -> [[Float]] {
    try onEngine { model.parameters.map { $0.tensor.values } }
  }

  @Test func leavesNothingBehind() throws {
    let before = try weights()
    // What it has learnt by heart it hears as it did, whichever of the clips the guard lets pass.
    var alike = 0
    for clip in try Overfitted.clips().map(\.audioPath) {
      let text = try Transcriber(model: model, precision: .float32).transcribe(path: clip).text
      let (transcript, outcome) = try TestTimeAdapter(model: model, precision: .float32)
        .transcribe(path: clip)
      if outcome == .adapted && transcript.text == text { alike += 1 }
      if outcome != .adapted { #expect(transcript.text == text) }
      #expect(try weights() == before)
      #expect(model.parameters.allSatisfy { $0.tensor.gradient == nil })
      let again = try Transcriber(model: model, precision: .float32).transcribe(path: clip).text
      #expect(again == text)
    }
    #expect(alike >= 2)
  }

  /// Steps so large that the network falls apart: the guard gives the text that there was.
  @Test(arguments: [0.3, 1, 30]) func collapseIsRefused(_ rate: Double) throws {
    let clip = try Overfitted.clips()[1].audioPath
    let text = try Transcriber(model: model, precision: .float32).transcribe(path: clip).text
    var options = TestTimeAdapter.Options()
    options.learningRate = rate
    let before = try weights()
    let (transcript, outcome) = try TestTimeAdapter(
      model: model, precision: .float32, options: options
    ).transcribe(path: clip)
    guard case .refused(let reason) = outcome else {
      Issue.record("not refused: \(transcript.text)")
      return
    }
    #expect(!reason.isEmpty)
    #expect(transcript.text == text)
    #expect(try weights() == before)
  }

  /// Samples have one bin: a mask over it would hide the whole recording, and two views that hear nothing would
  /// agree whatever became of the network.
  @Test func viewsOfSamplesLeaveMostOfThem() {
    let window = Features(
      frames: 16_000, bins: 1, validFrames: 16_000, values: .init(repeating: 1, count: 16_000))
    let views = TestTimeAdapter.views(of: window)
    #expect(views.count == 2 && views[0].values != views[1].values)
    for view in views {
      let hidden = view.values.count { $0 == 0 }
      #expect((1...1600).contains(hidden), "\(hidden) samples are hidden")
    }
  }

  /// A view that hears nothing agrees with nothing, and its window counts.
  @Test(
    arguments: [
      ("abc", "abc", "abd", 2.0 / 3, 3), ("abc", "", "abc", 0, 3), ("abc", "", "", 0, 3),
      ("", "", "ab", 0, 2), ("", "", "", 1, 0), ("ab", "abcd", "ab", 0.5, 4),
    ]) func agreement(_ text: String, _ one: String, _ other: String, _ share: Double, _ count: Int)
  {
    let found = TestTimeAdapter.Agreement(text, views: [one, other])
    #expect(abs(found.share - share) < 1e-12 && found.characters == count)
  }

  /// No more of a long recording than was asked for, from all over it.
  @Test func longRecordingsAreThinned() throws {
    let path = "\(try Golden.temporaryDirectory())/long.wav"
    var random = SeededRandom(seed: 1)
    try AudioWriter.write(
      (0..<150 * 8000).map { _ in random.uniform(-0.1...0.1) }, sampleRate: 8000, to: path)
    for (most, count) in [(60.0, 2), (30, 1), (1000, 6)] {
      var options = TestTimeAdapter.Options()
      options.mostSeconds = most
      let windows = try TestTimeAdapter(model: model, options: options).windows(of: path)
      let seconds = windows.reduce(0) { $0 + Double($1.validFrames) } * model.frontEnd.hopSeconds
      #expect(seconds <= most + 1 && windows.count <= count && !windows.isEmpty)
    }
  }

  @Test func networksOfSamples() throws {
    let samples = try onEngine { try TinyModel.wav2vec2() }
    let clip = try Overfitted.clips()[0].audioPath
    let before = try onEngine { samples.parameters.map { $0.tensor.values } }
    _ = try TestTimeAdapter(model: samples, precision: .float32).transcribe(path: clip)
    #expect(try onEngine { samples.parameters.map { $0.tensor.values } } == before)
  }

  /// DeepSpeech has nothing of what adapts, and does not say that it did.
  @Test func withoutNormalisations() throws {
    let deepSpeech = try onEngine {
      try AcousticModel(directory: "\(Golden.directory)/deepspeech")
    }
    let clip = try Overfitted.clips()[0].audioPath
    let (transcript, outcome) = try TestTimeAdapter(model: deepSpeech, precision: .float32)
      .transcribe(path: clip)
    #expect(outcome == .refused("the network has no normalisations, which are what would adapt"))
    let plain = try Transcriber(model: deepSpeech, precision: .float32).transcribe(path: clip)
    #expect(transcript.text == plain.text)
  }

  @Test func silence() throws {
    let path = "\(try Golden.temporaryDirectory())/silence.wav"
    try AudioWriter.write([Float](repeating: 0, count: 16_000), sampleRate: 16_000, to: path)
    let plain = try Transcriber(model: model, precision: .float32).transcribe(path: path).text
    let (transcript, outcome) = try TestTimeAdapter(model: model, precision: .float32)
      .transcribe(path: path)
    if case .refused = outcome { #expect(transcript.text == plain) }
    #expect(throws: IdiolectError.self) {
      try TestTimeAdapter(model: model).transcribe(path: "/no/such/file.wav")
    }
  }
}
