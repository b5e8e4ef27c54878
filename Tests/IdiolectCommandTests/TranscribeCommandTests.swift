import AcousticModels
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing
import Transcription

/// `idiolect transcribe` against the library that it stands on.
struct TranscribeCommandTests {
  private let place: Workplace
  private let transcripts: [Transcript]

  init() throws {
    place = try Workplace()
    let model = place.model
    let transcriber = try Transcriber(
      model: try onEngine { try AcousticModel(directory: model) }, precision: .float32)
    transcripts = try (0..<2).map { [directory = place.directory] in
      try transcriber.transcribe(path: "\(directory)/\($0).wav")
    }
  }

  private func transcribe(_ arguments: String...) throws -> Program {
    let quoted = arguments.map { "'\($0)'" }.joined(separator: " ")
    return try Program(
      shell: "\"$idiolect\" transcribe --model model --precision float32 \(quoted)",
      directory: place.directory)
  }

  @Test func oneFileGivesItsText() throws {
    let run = try transcribe("0.wav")
    #expect(run.output == transcripts[0].text + "\n")
    #expect(run.errors.isEmpty)
    #expect(run.status == 0)
    #expect(try transcribe("--names", "0.wav").output == "0.wav\t\(transcripts[0].text)\n")
  }

  @Test func severalFilesGiveNamesAndTextsInOrder() throws {
    let run = try transcribe("1.wav", "0.wav", "1.wav")
    #expect(
      run.lines == [
        "1.wav\t\(transcripts[1].text)", "0.wav\t\(transcripts[0].text)",
        "1.wav\t\(transcripts[1].text)",
      ])
    #expect(
      try transcribe("--no-names", "1.wav", "0.wav").lines == transcripts.reversed().map(\.text))
    // Threads change the speed and nothing else.
    #expect(try transcribe("--threads", "1", "1.wav", "0.wav", "1.wav").output == run.output)
  }

  @Test func jsonHasTokensTimesAndConfidence() throws {
    let run = try transcribe("--format", "json", "0.wav", "1.wav")
    #expect(run.lines.count == 2)
    for (line, (index, transcript)) in zip(run.lines, transcripts.enumerated()) {
      let node = JSONNode(try JSONValue(parsing: line), file: "output")
      #expect(try node["file"].string() == "\(index).wav")
      #expect(try node["text"].string() == transcript.text)
      #expect(try node["duration"].double() == Double(index + 1))
      #expect(try abs(node["confidence"].double() - Double(transcript.confidence)) < 1e-3)
      let tokens = try node["tokens"].array()
      #expect(tokens.count == transcript.tokens.count)
      for (token, expected) in zip(tokens, transcript.tokens) {
        #expect(try token["token"].string() == expected.text)
        #expect(try abs(token["start"].double() - expected.startSeconds) < 1e-3)
        #expect(try abs(token["end"].double() - expected.endSeconds) < 1e-3)
        #expect(try abs(token["confidence"].double() - Double(expected.confidence)) < 1e-3)
      }
      #expect(try node["words"].array().count == transcript.words.count)
    }
  }

  @Test func rawLogits() throws {
    let run = try transcribe("--logits", "logits.npy", "0.wav")
    #expect(run.status == 0)
    let logits = try NumpyFile(path: "\(place.directory)/logits.npy")
    // 100 valid feature frames and one of zeros, subsampled by 4.
    #expect(logits.shape == [26, 29])
    let model = try onEngine { try AcousticModel(directory: place.model) }
    let expected = try Transcriber(model: model, precision: .float32).logits(path: place.clip)
    #expect(Golden.relativeError(logits.values, expected.values) < 1e-6)
  }

  @Test func theModelMayBeNamedByTheEnvironment() throws {
    let run = try Program(
      "transcribe", "--precision", "float32", place.clip,
      environment: ["IDIOLECT_MODEL": place.model])
    #expect(run.output == transcripts[0].text + "\n")
    try FileManager.default.createDirectory(
      atPath: "\(place.directory)/Models", withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: place.model, toPath: "\(place.directory)/Models/english-small")
    let inPlace = try Program(
      "transcribe", "--precision", "float32", "0.wav", directory: place.directory)
    #expect(inPlace.output == transcripts[0].text + "\n")
  }

  @Test func aReaderThatGoesAwayIsNoError() throws {
    let files = Array(repeating: "0.wav", count: 200).joined(separator: " ")
    let run = try Program(
      shell: "\"$idiolect\" transcribe --model model \(files) | head -n 1",
      directory: place.directory)
    #expect(run.lines.count == 1)
    #expect(run.errors.isEmpty)
    #expect(run.status == 0)
  }
}
