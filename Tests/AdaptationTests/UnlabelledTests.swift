import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport
import Testing

/// Training on what the model hears, and what is not believed.
struct UnlabelledTests {
  private func labels(_ model: String, _ utterances: [Utterance]) throws -> PseudoLabels {
    try onEngine {
      PseudoLabels(
        utterances, teacher: try AcousticModel(directory: model), precision: .float32, seed: 1)
    }
  }

  /// What the network knows by heart is kept with the right texts; what a random one says is not.
  @Test func believesWhatAgrees() throws {
    let clips = try Overfitted.clips().map { clip in
      var clip = clip
      clip.text = ""
      return clip
    }
    let known = try labels(try Overfitted.outcome.get().directory, clips)
    #expect(known.kept.count >= 6, "\(known.summary)")
    let texts = Dictionary(
      uniqueKeysWithValues: try Overfitted.clips().map { ($0.id, $0.text) })
    #expect(known.kept.count { $0.text == texts[$0.id] } >= 4)
    let corpus = try TinyCorpus()
    let random = try labels(corpus.base, clips)
    #expect(random.kept.count <= 1, "\(random.summary)")
    #expect(known.collapse(since: known) == nil)
    #expect(random.collapse(since: known) != nil)
  }

  @Test func unreadableRecordingsAreCounted() throws {
    let corpus = try TinyCorpus()
    var clips = try corpus.copies(try Overfitted.clips())
    try AtomicFile.write("no audio", to: clips[0].audioPath)
    clips[1].audioPath = "/no/such/file.wav"
    let heard = try labels(try Overfitted.outcome.get().directory, clips)
    #expect(heard.refused[.unreadable] == 2)
    #expect(heard.summary.contains("cannot be read"))
  }

  /// Labelled and unlabelled together, and the latter alone; interrupted, the same bits.
  @Test(arguments: [true, false]) func wholeRuns(_ isLabelled: Bool) throws {
    let corpus = try TinyCorpus()
    let clips = try Overfitted.clips()
    func request(_ output: String) throws -> AdaptationRequest {
      var request = AdaptationRequest(
        base: try Overfitted.outcome.get().directory,
        train: isLabelled ? try corpus.write(Array(clips[..<2]), "train") : nil,
        output: "\(corpus.path)/\(output)")
      var silent = try corpus.takes(Array(clips[2...]), "silent", level: 0.7)
      for index in silent.indices { silent[index].text = "" }
      request.unlabelled = try corpus.write(silent, "unlabelled")
      request.test = try corpus.write(try corpus.takes(clips + clips, "test", level: 0.8), "test")
      request.holdsOut = !isLabelled
      request.rounds = 2
      request.settings = TinyCorpus.settings
      return request
    }
    var lines: [String] = []
    let report = try AdaptationRun(try request("out")) { lines.append($0) }.run()
    #expect(lines.contains { $0.contains("unlabelled utterances kept") }, "\(lines)")
    #expect(report.verdict != .negative || !report.shipsAdapted)
    var again = try request("out")
    again.resumes = true
    _ = try AdaptationRun(again).run()
    let first = try corpus.weights("out")
    _ = try AdaptationRun(try request("other")).run()
    #expect(try corpus.weights("other") == first)
  }

  /// A new output layer has trained alone before the rounds: in them all trains, in their first update too.
  @Test func newLabelsWarmUpOnce() throws {
    let corpus = try TinyCorpus()
    let clips = try Overfitted.clips()
    var known = Array(clips[..<4])
    for index in known.indices { known[index].text += " é" }
    var request = AdaptationRequest(
      base: try Overfitted.outcome.get().directory, train: try corpus.write(known, "train"),
      output: "\(corpus.path)/out")
    request.unlabelled = try corpus.write(
      try corpus.takes(clips, "silent", level: 0.7), "unlabelled")
    request.test = try corpus.write(try corpus.takes(clips, "test", level: 0.8), "test")
    request.holdsOut = false
    request.strategy = .full
    request.rounds = 2
    request.settings = TinyCorpus.settings
    // One update each.
    request.settings.epochs = 1
    request.settings.batchSeconds = 1000
    request.settings.learningRate = 1e-2
    let name = "encoder.layers.0.feed_forward1.linear1.weight"
    var stages: [[Float]] = []
    _ = try AdaptationRun(request) { line in
      guard line.hasPrefix("round 1 is undone") || line.hasPrefix("round 2") else { return }
      stages = ["", "round-1/training/"].map { part in
        try! SafetensorsFile(path: "\(corpus.path)/out/training/\(part)last.safetensors")
          .readFloats(name)
      }
    }.run()
    try #require(stages.count == 2)
    #expect(stages[0] != stages[1])
  }

  @Test func needsSomethingToJudgeBy() throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    request.train = nil
    #expect(throws: IdiolectError.self) { try AdaptationRun(request).run() }
    request.unlabelled = try corpus.write(try TinyCorpus.clips(4), "unlabelled")
    let error = #expect(throws: IdiolectError.self) { try AdaptationRun(request).run() }
    #expect(error?.message.contains("--test") == true)
  }
}
