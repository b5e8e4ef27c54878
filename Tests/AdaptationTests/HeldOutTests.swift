import Adaptation
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import Testing

/// What trains, what chooses and what judges share no audio.
struct HeldOutTests {
  private let corpus: TinyCorpus

  init() throws { corpus = try TinyCorpus() }

  private func data(
    _ train: [Utterance], dev: [Utterance]? = nil, test: [Utterance]? = nil,
    retain: [Utterance]? = nil, seed: UInt64 = 1
  ) throws -> AdaptationData {
    try AdaptationData(
      AdaptationManifests(
        train: try corpus.write(train, "train"), dev: try dev.map { try corpus.write($0, "dev") },
        retain: try retain.map { try corpus.write($0, "retain") },
        test: try test.map { try corpus.write($0, "test") }), seed: seed)
  }

  private func expectDisjoint(_ data: AdaptationData) {
    let parts = [data.train, data.selection, data.verdict, data.retained].map {
      Set($0.map(\.audioPath))
    }
    for (index, part) in parts.enumerated() {
      for other in parts[(index + 1)...] { #expect(part.isDisjoint(with: other)) }
    }
  }

  @Test(arguments: [4, 5, 14, 40], [1, 2, 3] as [UInt64]) func aTenthOfTrain(
    _ count: Int, _ seed: UInt64
  )
    throws
  {
    let data = try data(TinyCorpus.clips(count), seed: seed)
    expectDisjoint(data)
    #expect(data.train.count + data.selection.count + data.verdict.count == count)
    #expect(data.selection.count >= 1 && data.verdict.count >= 1)
    #expect(!data.train.isEmpty)
    if count >= 20 { #expect(data.selection.count + data.verdict.count <= count / 5) }
    #expect(data.notes.contains { $0.contains("of train, ") })
  }

  /// Retained data may judge the target as well, and then chooses nothing.
  @Test func whatJudgesDoesNotChoose() throws {
    let test = try TinyCorpus.clips(24, of: "test")
    let data = try data(TinyCorpus.clips(40), test: test, retain: test)
    #expect(!data.selection.isEmpty && data.verdict.count == 24)
    #expect(data.retainedSelection.isEmpty && data.retained.count == 24)
  }

  /// Where other data judge, a little data is worth more to training than to a choice.
  @Test(arguments: [false, true]) func saysWhatHoldingOutCosts(judgedApart: Bool) throws {
    let test = judgedApart ? try TinyCorpus.clips(2, of: "test") : nil
    let data = try data(TinyCorpus.clips(12), test: test)
    #expect(data.notes.contains { $0.contains("--keep-last") } == judgedApart)
  }

  /// What is replayed or heard may hold what train does, and train what is held out of it.
  @Test func heldOutOfWhatStandsBeside() throws {
    let all = try TinyCorpus.clips(12)
    func parts(heard: [Utterance]) throws -> AdaptationData {
      try AdaptationData(
        AdaptationManifests(
          train: try corpus.write(all, "train"), dev: nil, retain: nil, test: nil,
          replay: try corpus.write(all, "replay"), unlabelled: try corpus.write(heard, "heard")),
        seed: 1, crossValidates: true)
    }
    let others = try TinyCorpus.clips(3, from: 12)
    let data = try parts(heard: all + others)
    #expect(!data.isCrossValidated)
    let held = Set((data.selection + data.verdict).map(\.audioPath))
    #expect(!held.isEmpty)
    for part in [data.train, data.replay] {
      #expect(part.count == 12 - held.count)
      #expect(held.isDisjoint(with: part.map(\.audioPath)))
    }
    // What has a text is not guessed.
    #expect(data.unlabelled.map(\.audioPath) == others.map(\.audioPath))
    #expect(data.notes.contains { $0.contains("12 recordings have a text in train") })
    #expect(throws: IdiolectError.self) { try parts(heard: all) }
  }

  @Test func fewMinutesAreCrossValidated() throws {
    func isCrossValidated(_ count: Int, seconds: Double, retain: Bool = false) throws -> Bool {
      var train = try TinyCorpus.clips(count)
      for index in train.indices { train[index].durationSeconds = seconds / Double(count) }
      return try AdaptationData(
        AdaptationManifests(
          train: try corpus.write(train, "train"), dev: nil,
          retain: retain ? try corpus.write(TinyCorpus.clips(2, of: "test"), "kept") : nil,
          test: nil),
        seed: 1, crossValidates: true
      ).isCrossValidated
    }
    #expect(try isCrossValidated(10, seconds: 299) && isCrossValidated(4, seconds: 10))
    #expect(try isCrossValidated(10, seconds: 301))
    #expect(!CrossValidation.isWorthwhile(Self.clips(60, seconds: 301)))
    #expect(CrossValidation.isWorthwhile(Self.clips(60, seconds: 299)))
    #expect(CrossValidation.isWorthwhile(Self.clips(59, seconds: 3000)))
    #expect(!CrossValidation.isWorthwhile(Self.clips(3, seconds: 3)))
    // Nothing would choose the mixture that forgets least.
    #expect(try !isCrossValidated(10, seconds: 100, retain: true))
  }

  private static func clips(_ count: Int, seconds: Double) -> [Utterance] {
    (0..<count).map {
      Utterance(
        id: "\($0)", audioPath: "\($0).wav", text: "a", durationSeconds: seconds / Double(count))
    }
  }

  @Test func devIsHalvedAndTestIsNot() throws {
    let train = try TinyCorpus.clips(4)
    let dev = try TinyCorpus.clips(10, from: 4)
    let test = try TinyCorpus.clips(3, of: "test")
    let halved = try data(train, dev: dev)
    expectDisjoint(halved)
    #expect(halved.train.count == 4 && halved.selection.count + halved.verdict.count == 10)
    #expect(abs(halved.selection.count - halved.verdict.count) <= 4)
    let judged = try data(train, dev: dev, test: test)
    #expect(judged.selection.count == 10 && judged.verdict.count == 3)
    expectDisjoint(judged)
  }

  /// Without a choice, every utterance trains; the last weights are kept, and the test judges.
  @Test func nothingHeldOut() throws {
    var request = try corpus.request()
    request.dev = nil
    request.holdsOut = false
    #expect(throws: IdiolectError.self) { try AdaptationRun(request).run() }
    request.test = try corpus.write(try TinyCorpus.clips(4, from: 6), "test")
    let report = try AdaptationRun(request).run()
    #expect(report.training.looks.allSatisfy { $0.devCER == nil })
    #expect(report.training.best?.step == report.training.step)
    // What trains is all there is to watch.
    #expect(report.training.looks.allSatisfy { (0...1).contains($0.blankShare ?? -1) })
    let one = try AdaptationManifests(
      train: request.train, dev: nil, retain: nil, test: request.test)
    let data = try AdaptationData(one, seed: 1, holdsOut: false)
    #expect(data.train.count == 6 && data.selection.isEmpty && data.verdict.count == 4)
    expectDisjoint(data)
  }

  @Test func halvesAreByVoice() throws {
    var dev = try TinyCorpus.clips(20, from: 4)
    for index in dev.indices { dev[index].speaker = "voice \(index / 4)" }
    let data = try data(TinyCorpus.clips(4), dev: dev)
    let voices = [data.selection, data.verdict].map { Set($0.compactMap(\.speaker)) }
    #expect(voices[0].isDisjoint(with: voices[1]) && voices.allSatisfy { $0.count >= 2 })
  }

  @Test func leaksAreRefused() throws {
    let train = try TinyCorpus.clips(5)
    let dev = try TinyCorpus.clips(4, from: 5)
    let test = try TinyCorpus.clips(3, of: "test")
    func refused(
      _ dev: [Utterance]?, _ test: [Utterance]?, _ retain: [Utterance]?, _ what: String
    ) {
      let error = #expect(throws: IdiolectError.self) {
        try data(train, dev: dev, test: test, retain: retain)
      }
      #expect(error?.code == .invalidData)
      #expect(error?.message.contains(what) == true, "\(error?.message ?? "")")
    }
    refused(dev, [train[2]] + test, nil, "1 utterances that train also judge")
    refused(dev, [dev[0]] + test, nil, "1 utterances that choose also judge")
    refused(dev + [train[0]], test, nil, "1 utterances that train also choose")
    refused(dev, test, [train[1]], "train also judge")
    // By another path to the same file.
    let link = "\(corpus.path)/link.opus"
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: train[3].audioPath)
    var linked = train[3]
    linked.audioPath = link
    refused(dev, test + [linked], nil, "train also judge")
  }

  @Test func segmentsOfOneRecording() throws {
    func segment(_ offset: Double, _ seconds: Double) throws -> Utterance {
      var segment = try TinyCorpus.clips(1, from: 60)[0]
      segment.offsetSeconds = offset
      segment.durationSeconds = seconds
      return segment
    }
    let train = try TinyCorpus.clips(4) + [segment(0, 1)]
    let dev = try TinyCorpus.clips(4, from: 5)
    let judged = try data(train, dev: dev, test: [segment(0.9, 1)])
    #expect(judged.verdict.count == 1)
    #expect(throws: IdiolectError.self) { try data(train, dev: dev, test: [segment(0.4, 1)]) }
    var whole = try segment(0, 1)
    whole.durationSeconds = nil
    #expect(throws: IdiolectError.self) { try data(train, dev: dev, test: [whole]) }
  }

  /// A recording that stands in the manifest twice is no reason to refuse the rest.
  @Test(arguments: 1...4 as ClosedRange<UInt64>) func twiceInOneManifest(_ seed: UInt64) throws {
    let clips = try TinyCorpus.clips(12)
    expectDisjoint(try data(clips + clips, seed: seed))
  }

  /// Nor is a copy under another name.
  @Test(arguments: 1...4 as ClosedRange<UInt64>) func copiesInOneManifest(_ seed: UInt64) throws {
    let clips = try TinyCorpus.clips(12)
    let data = try checked(clips + corpus.copies(clips), seed: seed)
    let parts = [data.train, data.selection, data.verdict].map { Set($0.map(\.fingerprint)) }
    #expect(parts.allSatisfy { !$0.isEmpty && !$0.contains(nil) })
    #expect(parts[0].isDisjoint(with: parts[1].union(parts[2])))
    #expect(parts[1].isDisjoint(with: parts[2]))
  }

  /// Across manifests, the one that trains gives way, then the one that chooses.
  @Test func copiesInTwoManifests() throws {
    let (train, dev) = (try TinyCorpus.clips(5), try TinyCorpus.clips(4, from: 5))
    let test = try TinyCorpus.clips(3, of: "test")
    let data = try checked(
      train + corpus.copies([dev[1], test[0]], "train"), dev: dev + corpus.copies([test[2]], "dev"),
      test: test)
    #expect(data.train.count == 5 && data.selection.count == 4 && data.verdict.count == 3)
    let entries = data.quarantine.entries
    #expect(Set(entries.compactMap(\.utterance)) == ["train0.opus", "train1.opus", "dev0.opus"])
    #expect(entries.allSatisfy { $0.cause.hasPrefix("a copy of a recording") && $0.line > 0 })
    let error = #expect(throws: IdiolectError.self) {
      try checked(corpus.copies(dev, "all"), dev: dev, test: test)
    }
    #expect(error?.message.contains("under another name") == true)
  }

  private func checked(
    _ train: [Utterance], dev: [Utterance]? = nil, test: [Utterance]? = nil, seed: UInt64 = 1
  ) throws -> AdaptationData {
    try AdaptationData(
      AdaptationManifests(
        train: try corpus.write(train, "train"), dev: try dev.map { try corpus.write($0, "dev") },
        retain: nil, test: try test.map { try corpus.write($0, "test") }), seed: seed
    ) { manifest, _ in
      let preflight = Preflight(manifest.utterances, normalizer: TextNormalizer())
      return (preflight.usable, preflight.quarantine)
    }
  }

  @Test func tooLittle() throws {
    for count in 1...3 {
      let error = #expect(throws: IdiolectError.self) { try data(TinyCorpus.clips(count)) }
      #expect(error?.message.contains("--dev") == true)
    }
    #expect(throws: IdiolectError.self) {
      try data(TinyCorpus.clips(4), dev: TinyCorpus.clips(1, from: 6))
    }
  }
}
