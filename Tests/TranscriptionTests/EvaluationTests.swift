import AcousticModels
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import TestSupport
import Testing
import Transcription

/// An evaluation against counts made directly from the transcripts.
struct EvaluationTests {
  private let directory: String
  private let transcriber: Transcriber

  init() throws {
    directory = try Golden.temporaryDirectory()
    transcriber = try Transcriber(
      model: try onEngine { try TinyModel.make() }, precision: .float32)
  }

  @Test func countsRatesAndGroups() throws {
    let paths = try Recordings.write(seconds: [1, 2, 3, 1.5], to: directory)
    let heard = try paths.map { try transcriber.transcribe(path: $0).text }
    // Right but for case and a full stop, which are no errors; one word too many in each other.
    let texts = [heard[0].uppercased() + ".", "zz \(heard[1])", "zz \(heard[2])", heard[3]]
    let utterances = paths.indices.map {
      Utterance(
        id: "\($0)", audioPath: paths[$0], text: texts[$0],
        speaker: ["anna", "bert", nil, "anna"][$0], line: $0 + 1)
    }
    var seen: [String] = []
    let evaluation = try Evaluation(utterances, transcriber: transcriber) { seen.append($0) }
    #expect(seen == ["0", "1", "2", "3"])
    #expect(evaluation.wordCounts.deletions == 2)
    #expect(evaluation.wordCounts.errors == 2)
    let length = evaluation.scores.reduce(0) {
      $0 + ErrorCounts.scoredWords($1.reference).count
    }
    #expect(evaluation.words.rate == 2 / Double(length))
    #expect(evaluation.words.lower <= evaluation.words.rate)
    #expect(evaluation.words.upper >= evaluation.words.rate)
    #expect(evaluation.characterCounts.deletions == 6)
    #expect(evaluation.audioSeconds == 7.5)
    #expect(evaluation.elapsedSeconds > 0)
    #expect(evaluation.bySpeaker.map(\.name) == ["anna", "bert", "unknown"])
    #expect(evaluation.bySpeaker.map(\.utterances) == [2, 1, 1])
    #expect(evaluation.bySpeaker.map(\.words.errors) == [0, 1, 1])
    #expect(evaluation.byAccent.isEmpty)
    #expect(Set(evaluation.worst(5).map(\.utterance.id)) == ["1", "2"])
    #expect(evaluation.worst(0).isEmpty)
  }

  @Test func whatCannotBeUsedIsQuarantined() throws {
    let path = try Recordings.write(seconds: [1], to: directory)[0]
    let absent = Utterance(id: "gone.wav", audioPath: "\(directory)/gone.wav", text: "a", line: 2)
    let evaluation = try Evaluation(
      [Utterance(id: "0.wav", audioPath: path, text: "a", line: 1), absent],
      transcriber: transcriber, source: "test.jsonl")
    #expect(evaluation.scores.count == 1)
    let entry = try #require(evaluation.quarantine.entries.first)
    #expect(entry.utterance == "gone.wav")
    #expect(entry.line == 2)
    #expect(entry.cause.contains("no such file"))
    let error = #expect(throws: IdiolectError.self) {
      try Evaluation([absent], transcriber: transcriber)
    }
    #expect(error?.code == .invalidData)
  }
}
