import AcousticModels
import Adaptation
import AudioIO
import Basics
import CKernels
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// What would have ended a run, or spoilt it: long recordings, stray characters, a second run.
struct GuardTests {
  private let corpus: TinyCorpus

  init() throws { corpus = try TinyCorpus() }

  /// A minute and more of noise, which says what it is told.
  private func long(_ name: String, seconds: Int = 61) throws -> Utterance {
    var random = SeededRandom(seed: 7)
    let path = "\(corpus.path)/\(name).wav"
    try AudioWriter.write(
      (0..<seconds * 16_000).map { _ in random.uniform(-0.1...0.1) }, sampleRate: 16_000, to: path)
    return Utterance(id: "\(name).wav", audioPath: path, text: "far too long")
  }

  @Test func longRecordings() throws {
    let long = try long("long")
    var request = try corpus.request()
    request.train = try corpus.write(TinyCorpus.clips(6) + [long], "train")
    // Judging it takes no more memory than any other: it is transcribed window by window.
    request.test = try corpus.write([try self.long("judge")], "test")
    let report = try AdaptationRun(request).run()
    #expect(report.preflight.findings.contains { $0.kind == .tooLong && $0.isUnusable })
    #expect(report.quarantined == 1 && corpus.quarantine("out").contains("lasts 61 s"))
    #expect(try corpus.record("out")["scores"]["target"]["utterances"].int() == 1)
    #expect(report.verdict == .neutral && report.lines.last?.contains("too few") == true)
    // And without a pre-flight.
    try onEngine {
      let model = try AcousticModel(directory: corpus.base)
      let data = TrainingCorpus(
        try TinyCorpus.clips(1) + [long], model: model, cacheBytes: 1 << 20)
      #expect(data.features(0, speed: 0.9) != nil)
      #expect(data.features(1, speed: 1) == nil)
      #expect(data.failures[1]?.contains("60 s") == true)
    }
  }

  /// Nothing is trained before a manifest is found to be useless.
  @Test(arguments: ["dev", "retain", "test"]) func uselessHeldOutData(_ which: String) throws {
    var request = try corpus.request()
    let bad = Utterance(
      id: "text.wav", audioPath: "\(Golden.repository)/AudioSamples/damaged/text.wav", text: "a")
    let path = try corpus.write([bad, bad], "bad")
    if which == "dev" { request.dev = path }
    if which == "retain" { request.retain = path }
    if which == "test" { request.test = path }
    var said: [String] = []
    let error = #expect(throws: IdiolectError.self) {
      try AdaptationRun(request) { said.append($0) }.run()
    }
    #expect(error?.message.contains("bad.jsonl: none of its utterances") == true)
    #expect(!said.contains { $0.hasPrefix("strategy") })
    #expect(corpus.quarantine("out").contains("text.wav"))
  }

  /// Recordings that cannot be read are gone before the halves are made.
  @Test func halvesOfWhatCanBeUsed() throws {
    let dev = try TinyCorpus.clips(4, from: 6)
    let manifests = try AdaptationManifests(
      train: try corpus.write(TinyCorpus.clips(6), "train"),
      dev: try corpus.write(dev, "dev"), retain: nil, test: nil)
    let data = try AdaptationData(manifests, seed: 1) { manifest, use in
      use == .trains ? (manifest.utterances, Quarantine()) : (Array(dev.prefix(2)), Quarantine())
    }
    #expect(data.selection.count == 1 && data.verdict.count == 1)
  }

  /// What cannot be trained on has no say in the labels.
  @Test func labelsOfUsableTextsOnly() throws {
    var request = try corpus.request()
    var fast = try corpus.copies(TinyCorpus.clips(1, from: 20), "fast")[0]
    fast.text = String(repeating: "жд", count: 300)
    let bad = Utterance(
      id: "text.wav", audioPath: "\(Golden.repository)/AudioSamples/damaged/text.wav", text: "щ")
    request.train = try corpus.write(TinyCorpus.clips(6) + [fast, bad], "train")
    var said: [String] = []
    let report = try AdaptationRun(request) { said.append($0) }.run()
    #expect(report.quarantined == 2 && !said.contains { $0.hasPrefix("output layer") }, "\(said)")
  }

  /// A failure belongs to the batch that the recording would have been in.
  @Test func failuresComeWithTheirBatch() throws {
    try onEngine {
      let model = try TinyModel.make()
      var clips = try TinyCorpus.clips(6)
      clips[2].audioPath = "\(corpus.path)/absent.wav"
      let data = TrainingCorpus(clips, model: model, cacheBytes: 0)
      let producer = BatchProducer(data, TinyCorpus.settings, epoch: 0, batch: 0)
      defer { producer.stop() }
      let plan = BatchProducer.plan(data, TinyCorpus.settings, epoch: 0)
      for draws in plan.batches {
        let batch = producer.next()
        let isHere = draws.contains { $0.item == 2 }
        #expect(Array(batch.failures.keys) == (isHere ? [2] : []))
        #expect(batch.items == draws.map(\.item).filter { $0 != 2 })
      }
    }
  }

  @Test func strayCharacters() throws {
    let base = try onEngine { try TinyModel.make() }
    func texts(_ count: Int, _ others: [Int: String]) -> [Utterance] {
      (0..<count).map {
        Utterance(id: "\($0)", audioPath: "", text: others[$0] ?? "plain words é")
      }
    }
    func stray(_ utterances: [Utterance]) -> StrayCharacters {
      StrayCharacters(
        utterances, normalizer: base.normalizer, known: base.vocabulary, source: "train")
    }
    let one = stray(texts(50, [7: "a cow ж", 9: "zebra"]))
    #expect(one.characters == ["ж"] && one.kept.count == 49)
    #expect(one.quarantine.entries.map(\.utterance) == ["7"] && one.note?.contains("ж") == true)
    // Of three utterances it is a character; in a small corpus, or where many are lost, any is.
    #expect(stray(texts(50, [1: "ж", 2: "ж", 3: "ж"])).kept.count == 50)
    #expect(stray(texts(49, [1: "ж"])).kept.count == 49)
    #expect(stray(texts(50, [1: "ж", 2: "д", 3: "ѣ"])).characters.isEmpty)
  }

  @Test func oneRunAtATime() throws {
    let request = try corpus.request()
    let held = try TrainingLock(TrainingDirectory(output: request.output))
    let error = #expect(throws: IdiolectError.self) { try AdaptationRun(request).run() }
    #expect(error?.message.contains("another run") == true)
    var scratch = ScratchRequest(train: request.train!, output: request.output)
    scratch.network = .fastConformer(TinyModel.configuration)
    scratch.settings = TinyCorpus.settings
    #expect(throws: IdiolectError.self) { try ScratchRun(scratch).run() }
    withExtendedLifetime(held) {}
  }

  @Test func theLockIsReleased() throws {
    let files = TrainingDirectory(output: "\(corpus.path)/out")
    do { _ = try TrainingLock(files) }
    _ = try TrainingLock(files)
  }

  /// Scripts give --resume always: the first time there is nothing to go on from.
  @Test func resumingFromNothing() throws {
    var request = try corpus.request()
    request.resumes = true
    #expect(try AdaptationRun(request).run().training.finished)
    var scratch = ScratchRequest(train: request.train!, output: "\(corpus.path)/scratch")
    scratch.network = .fastConformer(TinyModel.configuration)
    scratch.settings = TinyCorpus.settings
    scratch.resumes = true
    try ScratchRun(scratch).run()
    #expect(corpus.bytes("scratch/model.safetensors") != nil)
    // A finished run is not trained again.
    #expect(try AdaptationRun(request).run().training.finished)
  }

  /// A network whose output is not numbers is infinitely wrong, and training goes on.
  @Test func brokenOutputOnDev() throws {
    try onEngine {
      let model = try TinyModel.make()
      let set = DevSet(
        try TinyCorpus.clips(2), source: "dev", model: model, precision: .float32)
      #expect(try set.look().characterErrorRate.isFinite)
      model.network.outputLayer.weight.pointer[0] = .nan
      model.network.outputLayer.weight.didChange()
      let broken = try set.look()
      #expect(broken.characterErrorRate == .infinity && broken.example.contains("not a number"))
    }
  }
}
