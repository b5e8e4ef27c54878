import AcousticModels
import Adaptation
import AudioIO
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

  /// A teacher that drops no units is not believed in what it does not know.
  @Test func doubtsWhatItDoesNotKnow() throws {
    let directory = try Overfitted.outcome.get().directory
    let known = try labels(directory, try Overfitted.clips())
    let unknown = try labels(directory, try TinyCorpus.clips(8, from: 20))
    #expect(unknown.refused[.agreement] ?? 0 > 0, "\(unknown.summary)")
    #expect(unknown.agreement < known.agreement && known.agreement < 1)
  }

  /// A student whose posteriors flatten says the same, and is found out; little by little too.
  @Test func driftIsFound() throws {
    let clips = try Overfitted.clips()
    func teacher(_ sureness: Float, after earlier: PseudoLabels?) throws -> PseudoLabels {
      try onEngine {
        let model = try AcousticModel(directory: try Overfitted.outcome.get().directory)
        let output = model.network.outputLayer
        for tensor in [output.weight, output.bias!] {
          for index in 0..<tensor.count { tensor.pointer[index] *= sureness }
          tensor.didChange()
        }
        return PseudoLabels(
          clips, teacher: model, precision: .float32, seed: 1, after: earlier)
      }
    }
    let first = try teacher(1, after: nil)
    let flat = try teacher(0.05, after: first)
    #expect(flat.kept.map(\.text) == first.kept.map(\.text))
    #expect(try #require(flat.collapse(since: first)).contains("nats"))
    var before = first
    var objections: [String] = []
    for sureness in [0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05] as [Float] {
      let next = try teacher(sureness, after: before)
      if let objection = next.collapse(since: before) {
        objections.append(objection)
        break
      }
      before = next
    }
    #expect(objections.first?.hasPrefix("since the first round, its posteriors") == true)
  }

  private func request(
    _ corpus: TinyCorpus, _ output: String, isLabelled: Bool
  ) throws -> AdaptationRequest {
    let clips = try Overfitted.clips()
    var request = AdaptationRequest(
      base: try Overfitted.outcome.get().directory,
      train: isLabelled ? try corpus.write(Array(clips[..<2]), "train") : nil,
      output: "\(corpus.path)/\(output)")
    var silent = try corpus.takes(Array(clips[2...]), "silent", level: 0.7)
    for index in silent.indices { silent[index].text = "" }
    request.unlabelled = try corpus.write(silent, "unlabelled")
    request.test = try corpus.write(try corpus.takes(clips + clips, "test", level: 0.8), "test")
    request.holdsOut = !isLabelled
    request.strategy = .full
    request.rounds = 2
    request.settings = TinyCorpus.settings
    return request
  }

  /// Labelled and unlabelled together, and the latter alone; interrupted, the same bits.
  @Test(arguments: [true, false]) func wholeRuns(_ isLabelled: Bool) throws {
    let corpus = try TinyCorpus()
    var lines: [String] = []
    let report = try AdaptationRun(try request(corpus, "out", isLabelled: isLabelled)) {
      lines.append($0)
    }.run()
    #expect(lines.contains { $0.contains("unlabelled utterances kept") }, "\(lines)")
    #expect(report.verdict != .negative || !report.shipsAdapted)
    var again = try request(corpus, "out", isLabelled: isLabelled)
    again.resumes = true
    _ = try AdaptationRun(again).run()
    let first = try corpus.weights("out")
    _ = try AdaptationRun(try request(corpus, "other", isLabelled: isLabelled)).run()
    #expect(try corpus.weights("other") == first)
  }

  /// The course is that of all stages, and of no older run; the record counts what each round did.
  @Test(arguments: [true, false]) func courseOfAllStages(_ isLabelled: Bool) throws {
    let corpus = try TinyCorpus()
    _ = try AdaptationRun(try corpus.request()).run()
    let report = try AdaptationRun(try request(corpus, "out", isLabelled: isLabelled)).run()
    let course = MetricsLog.read("\(corpus.path)/out/training/metrics.jsonl")
    #expect(course.count { $0.loss != nil } == report.training.updates)
    #expect(course.map(\.step) == course.map(\.step).sorted())
    #expect(course.last?.step == report.training.step)
    let record = try corpus.record("out")["training"]
    #expect(try record["steps"].int() == report.training.step)
    let rounds = try record["rounds"].array()
    #expect((1...2).contains(rounds.count))
    for round in rounds {
      let refused = try PseudoLabels.Refusal.allCases.map { try round["refused"]["\($0)"].int() }
      #expect(try round["kept"].int() + refused.reduce(0, +) == 6)
    }
    let steps = try rounds.map { try $0["steps"].int() }.reduce(0, +)
    #expect(isLabelled ? steps < report.training.step : steps == report.training.step)
    #expect(steps > 0)
  }

  /// The clock is shared by all stages, not given to each.
  @Test func roundsShareTheTime() throws {
    let corpus = try TinyCorpus()
    var request = try request(corpus, "out", isLabelled: true)
    request.rounds = 3
    request.settings.minutes = 0.1
    let report = try AdaptationRun(request).run()
    // A stage ends a step and a look late.
    #expect(report.training.seconds < 9, "\(report.training.seconds)")
    #expect(report.request.settings.minutes == 0.1)
  }

  /// What is too long to train on is said to be so.
  @Test func longRecordings() throws {
    let corpus = try TinyCorpus()
    var request = try request(corpus, "out", isLabelled: true)
    let path = "\(corpus.path)/long.wav"
    var random = SeededRandom(seed: 7)
    try AudioWriter.write(
      (0..<61 * 16_000).map { _ in random.uniform(-0.1...0.1) }, sampleRate: 16_000, to: path)
    let known = try Manifest(path: request.unlabelled!, requiresText: false).utterances
    request.unlabelled = try corpus.write(
      known + [Utterance(id: "long.wav", audioPath: path, text: "")], "unlabelled")
    request.rounds = 1
    let report = try AdaptationRun(request).run()
    #expect(report.quarantined == 1)
    #expect(corpus.quarantine("out").contains("lasts 61 s, and at most 60 s can be trained on"))
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
