import AcousticFeatures
import AcousticModels
import AudioIO
import Basics
import CTC
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import TestSupport
import Testing
import Transcription

/// What a recording says does not depend on how it came: alone, in a batch, in any order, from memory.
struct BatchInvarianceTests {
  private let directory: String
  private let model: AcousticModel

  init() throws {
    directory = try Golden.temporaryDirectory()
    model = try onEngine { try TinyModel.make() }
  }

  private func transcriber(_ options: Transcriber.Options = .init()) throws -> Transcriber {
    try Transcriber(model: model, precision: .float32, options: options)
  }

  private func all(
    _ paths: [String], _ options: Transcriber.Options
  ) throws -> [Result<Transcript, IdiolectError>] {
    var results: [Result<Transcript, IdiolectError>] = []
    try transcriber(options).transcribe(
      paths.map { Utterance(id: $0, audioPath: $0, text: "") }
    ) { index, result in
      #expect(index == results.count, "results come in the order of the input")
      results.append(result)
    }
    return results
  }

  private func expectSame(_ a: Transcript, _ b: Transcript) {
    #expect(a.text == b.text)
    #expect(a.tokens.map(\.startSeconds) == b.tokens.map(\.startSeconds))
    #expect(a.words.map(\.endSeconds) == b.words.map(\.endSeconds))
    #expect(abs(a.confidence - b.confidence) < 1e-4)
    #expect(a.durationSeconds == b.durationSeconds)
  }

  /// Against the pieces put together by hand: front end, network, decoder.
  @Test func oneClipIsThePiecesTogether() throws {
    let path = try Recordings.write(seconds: [2.5], to: directory)[0]
    let transcript = try transcriber().transcribe(path: path)
    let features = try model.frontEnd(readAudio(path, sampleRate: 16_000))
    let labels = try onEngine {
      let (logits, _) = model.network(
        FeatureBatch([features]), Pass(training: false, precision: .float32))
      return try logits.values.withUnsafeBufferPointer {
        try GreedyDecoder(labels: model.vocabulary.count, blank: model.vocabulary.blank)(logits: $0)
      }
    }
    #expect(!labels.isEmpty)
    #expect(transcript.text == model.vocabulary.decode(labels.map(\.label)))
    #expect(transcript.tokens.map(\.confidence) == labels.map(\.confidence))
    #expect(transcript.durationSeconds == 2.5)
  }

  @Test(arguments: [1.0, 7, 60], [1.0, 5, 240])
  func batchesAndOrder(_ batchSeconds: Double, _ lookaheadSeconds: Double) throws {
    let paths = try Recordings.write(seconds: [3, 0.4, 26, 1.7, 9.2, 0.03, 2.2], to: directory)
    var options = Transcriber.Options()
    options.windowSeconds = 5
    let alone = try paths.map { try transcriber(options).transcribe(path: $0) }
    options.batchSeconds = batchSeconds
    options.lookaheadSeconds = lookaheadSeconds
    let together = try all(paths, options)
    for (a, b) in zip(alone, together) { try expectSame(a, b.get()) }
    #expect(together.count == paths.count)
    #expect(alone[2].words.last!.endSeconds > 21)
  }

  @Test func badRecordingsAreFailuresOfTheirOwn() throws {
    var paths = try Recordings.write(seconds: [2, 3, 1], to: directory)
    let good = try paths.map { try transcriber().transcribe(path: $0) }
    let damaged = "\(Golden.repository)/AudioSamples/damaged"
    paths.insert("\(damaged)/not-a-number.wav", at: 1)
    paths.insert("\(directory)/absent.wav", at: 3)
    paths.append("\(damaged)/one-sample.wav")
    let results = try all(paths, .init())
    for (place, transcript) in zip([0, 2, 4], good) {
      try expectSame(results[place].get(), transcript)
    }
    for (place, code) in [(1, IdiolectError.Code.invalidAudio), (3, .notFound), (5, .invalidAudio)]
    {
      let error = #expect(throws: IdiolectError.self) { try results[place].get() }
      #expect(error?.code == code)
      #expect(error?.message.hasPrefix(paths[place]) == true)
    }
  }

  @Test func samplesInMemoryAreAFile() throws {
    let path = try Recordings.write(seconds: [12], to: directory)[0]
    var options = Transcriber.Options()
    options.windowSeconds = 5
    let transcriber = try transcriber(options)
    expectSame(
      try transcriber.transcribe(samples: readAudio(path, sampleRate: 16_000)),
      try transcriber.transcribe(path: path))
    #expect(throws: IdiolectError.self) { try transcriber.transcribe(samples: []) }
  }

  @Test func aPartOfARecordingIsThatPart() throws {
    let path = try Recordings.write(seconds: [6], to: directory)[0]
    let utterance = Utterance(
      id: "part", audioPath: path, text: "", durationSeconds: 2, offsetSeconds: 3)
    var part: Transcript?
    try transcriber().transcribe([utterance]) { part = try $1.get() }
    let samples = try readAudio(
      path, sampleRate: 16_000, offsetSeconds: 3, durationSeconds: 2)
    expectSame(try #require(part), try transcriber().transcribe(samples: samples))
  }

  @Test func rawLogitsHaveTheMaskedFrame() throws {
    let path = try Recordings.write(seconds: [1.6], to: directory)[0]
    let logits = try transcriber().logits(path: path)
    // 160 valid frames and one of zeros, subsampled by 4.
    #expect(logits.shape == [41, 29])
    #expect(model.outputFrames(samples: 25_600) == 40)
  }

  @Test func weightsThatAreNoNumbersAreNamed() throws {
    let bias = try #require(model.parameters.first { $0.name == "ctc_head.bias" }).tensor
    bias.pointer[3] = .nan
    let path = try Recordings.write(seconds: [1], to: directory)[0]
    let error = #expect(throws: IdiolectError.self) { try transcriber().transcribe(path: path) }
    #expect(error?.message.contains("not a number") == true)
  }
}
