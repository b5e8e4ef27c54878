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
    let clip = try Overfitted.clips()[0].audioPath
    let before = try weights()
    let text = try Transcriber(model: model, precision: .float32).transcribe(path: clip).text
    let (transcript, outcome) = try TestTimeAdapter(model: model, precision: .float32)
      .transcribe(path: clip)
    // What it has learnt by heart it hears as it did.
    #expect(outcome == .adapted)
    #expect(transcript.text == text)
    #expect(try weights() == before)
    #expect(model.parameters.allSatisfy { $0.tensor.gradient == nil })
    #expect(try Transcriber(model: model, precision: .float32).transcribe(path: clip).text == text)
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
