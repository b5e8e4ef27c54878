import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import TestSupport
import Testing
import Transcription

/// The verdict on adaptations that are known to help, to do nothing and to harm.
struct VerdictTests {
  @Test(
    arguments: [
      (-0.2, -0.1, Verdict.positive), (-0.1, 0.1, .neutral), (0.1, 0.2, .negative),
      (-0.1, 0, .neutral), (0, 0.1, .neutral), (0, 0, .neutral),
    ]) func intervals(_ lower: Double, _ upper: Double, _ verdict: Verdict)
  {
    #expect(Verdict(lower: lower, upper: upper) == verdict)
  }

  /// Errors out of ten characters, an utterance each.
  private func decision(_ base: [Int], _ adapted: [Int]) throws -> Decision {
    let difference = try bootstrap(base, adapted)
    return Decision(characters: difference, words: difference)
  }

  private func bootstrap(_ base: [Int], _ adapted: [Int]) throws -> PairedBootstrap {
    func counts(_ errors: [Int]) -> [ErrorCounts] {
      errors.map { count in
        .characters(
          reference: "abcdefghij",
          hypothesis: String(repeating: "x", count: count) + "abcdefghij".dropFirst(count))
      }
    }
    return try PairedBootstrap(
      base: counts(base), adapted: counts(adapted), speakers: base.map { _ in nil })
  }

  @Test func whatShips() throws {
    func decision(_ base: [Int], _ adapted: [Int]) throws -> Decision {
      try self.decision(base + base, adapted + adapted)
    }
    let better = try decision([5, 5, 5, 5, 5, 5], [1, 2, 1, 2, 1, 2])
    #expect(better.verdict == .positive && better.shipsAdapted)
    let perhaps = try decision([5, 5, 5, 5, 5, 5], [9, 0, 5, 5, 4, 5])
    #expect(perhaps.verdict == .neutral && !perhaps.shipsAdapted)
    let same = try decision([5, 5, 5], [5, 5, 5])
    #expect(same.verdict == .neutral && !same.shipsAdapted)
    #expect(
      same.reason.hasSuffix(
        "too few utterances (6) to tell; give at least 10 by --test or --dev"))
    let doubtful = try decision([5, 5, 5, 5, 5, 5], [9, 2, 5, 5, 5, 5])
    #expect(doubtful.verdict == .neutral && !doubtful.shipsAdapted)
    let worse = try decision([1, 2, 1, 2, 1, 2], [5, 5, 5, 5, 5, 5])
    #expect(worse.verdict == .negative && !worse.shipsAdapted)
  }

  /// One utterance has an interval without a width, and proves nothing.
  @Test(arguments: [1, 5, 9, 10]) func tooFewToTell(_ count: Int) throws {
    let five = [Int](repeating: 5, count: count)
    let better = try decision(five, five.map { _ in 1 })
    #expect(better.shipsAdapted == (count >= 10))
    #expect(better.verdict == (count < 10 ? .neutral : .positive))
    #expect(better.reason.contains("too few utterances (\(count))") == (count < 10))
    let worse = try decision(five, five.map { _ in 9 })
    #expect(!worse.shipsAdapted && worse.verdict == (count < 10 ? .neutral : .negative))
  }

  /// The base cannot write the target: of the adapted model and one from scratch, the better ships.
  @Test func againstTrainingFromScratch() throws {
    let five = [Int](repeating: 5, count: 12)
    func decision(
      _ adapted: Int, _ count: Int = 12, retained: Double? = nil, base: Int? = nil
    ) throws -> Decision {
      let errors = Array(five.prefix(count))
      let difference = try bootstrap(errors, errors.map { _ in adapted })
      let overBase = try base.map { base in
        try bootstrap(errors.map { _ in base }, errors.map { _ in adapted })
      }
      let decision = Decision(
        characters: difference, words: difference, against: .scratch,
        forgetting: try retained.map { try forgetting(by: $0) },
        overBase: overBase.map { [.adapted: $0] } ?? [:])
      #expect(decision.reason.hasPrefix("\(decision.ships.text) ships: "))
      return decision
    }
    #expect(try decision(1).ships == .adapted && decision(5).ships == .adapted)
    #expect(try decision(9).ships == .scratch && decision(9, 3).ships == .adapted)
    // What never knew the retained data has forgotten it.
    #expect(try decision(9, retained: 0).ships == .adapted)
    #expect(try decision(1, retained: 0.5).ships == .base)
    // Nothing ships that is worse than the base, whatever that can write.
    #expect(try decision(5, base: 2).ships == .base && decision(5, base: 9).ships == .adapted)
  }

  /// Fewer characters wrong, but in more words, is no gain that is proved.
  @Test func wordsMustNotBecomeWorse() throws {
    let (five, one) = ([Int](repeating: 5, count: 12), [Int](repeating: 1, count: 12))
    let (better, worse) = (try bootstrap(five, one), try bootstrap(one, five))
    let lost = Decision(characters: better, words: worse)
    #expect(lost.verdict == .neutral && lost.ships == .base)
    #expect(lost.reason.hasSuffix("but significantly more word errors"))
    let same = Decision(characters: better, words: try bootstrap(five, five))
    #expect(same.verdict == .positive && same.shipsAdapted)
    #expect(Decision(characters: worse, words: better).verdict == .negative)
  }

  /// Of a difference and the half of its 95 % interval, all in points.
  private func interval(
    _ difference: Double, _ half: Double, _ unit: ResamplingUnit = .utterances, of units: Int = 50
  ) throws -> PairedBootstrap {
    let text = """
      {"difference": \(difference / 100), "lower": \((difference - half) / 100),
       "upper": \((difference + half) / 100), "probabilityBetter": 0.5, "unit": "\(unit.rawValue)",
       "units": \(units)}
      """
    return try JSONDecoder().decode(PairedBootstrap.self, from: Data(text.utf8))
  }

  private func forgetting(by points: Double) throws -> Forgetting {
    let difference = try interval(100 * points, 0.1)
    return Forgetting(words: difference, characters: difference, wordCount: 1000, budget: 0.01)
  }

  /// As much more retained data as draws the interval off the budget, of a thousand words or of twenty speakers.
  @Test(
    arguments: [
      (0.9, 1.1, 1.0, 120_000), (1.1, 1.1, 1.0, 120_000), (-0.5, 0.6, 0, 440), (0.5, 0.6, 0, 440),
      (0, 2, 1, 3000), (1, 2, 1, nil),
    ] as [(Double, Double, Double, Int?)])
  func howMuchMoreWouldTell(
    _ difference: Double, _ half: Double, _ budget: Double, _ words: Int?
  ) throws {
    let narrow = try interval(budget - 1, 0.1)
    let wide = try interval(difference, half)
    let found = Forgetting(
      words: wide, characters: narrow, wordCount: 1000, budget: budget / 100)
    #expect(found.outcome == .unresolved)
    guard let words else {
      #expect(found.missing == nil && found.line.hasSuffix("cannot be told"))
      return
    }
    let missing = try #require(found.missing)
    #expect(missing.unit == .utterances && (words - 1...words + 100).contains(missing.count))
    #expect(found.line.hasSuffix("about \(missing.count) words more of retained data would tell"))
  }

  @Test func speakersAreMissingWhereTheyAreResampled() throws {
    let wide = try interval(-0.5, 0.6, .speakers, of: 20)
    let found = Forgetting(words: wide, characters: wide, wordCount: 1000, budget: 0)
    #expect(found.missing == .init(count: 9, unit: .speakers))
    #expect(found.line.hasSuffix("about 9 speakers more of retained data would tell"))
    // Five utterances tell nothing, however alike they are.
    let few = try interval(0, 0, of: 5)
    #expect(
      Forgetting(words: few, characters: few, wordCount: 100, budget: 0.01).missing
        == .init(count: 100, unit: .utterances))
  }

  @Test func aTinyNetworkLearnsEightClips() throws {
    #expect(try Overfitted.outcome.get().characterErrorRate < 0.2)
  }

  /// A base that knows eight clips by heart, and others that it never heard: they train, other takes of them judge.
  private func unheard(in corpus: TinyCorpus) throws -> AdaptationRequest {
    let known = Set(try Overfitted.clips().map(\.text).joined())
    let clips = Array(
      try TinyCorpus.clips(60, from: 8).filter { known.isSuperset(of: $0.text) }.prefix(8))
    try #require(clips.count == 8)
    var request = AdaptationRequest(
      base: try Overfitted.outcome.get().directory, train: try corpus.write(clips, "train"),
      output: "\(corpus.path)/out")
    request.dev = try corpus.write(try corpus.takes(clips, "dev", level: 0.9), "dev")
    request.test = try corpus.write(
      try corpus.takes(clips, "test", level: 0.8) + corpus.takes(clips, "more", level: 0.7), "test")
    request.storage = .float32
    request.strategy = .full
    request.settings = TinyCorpus.settings
    request.settings.learningRate = 4e-3
    request.settings.batchSeconds = 15
    request.settings.epochs = 80
    request.settings.evaluationSteps = 40
    request.settings.speeds = []
    request.settings.specAugment = nil
    return request
  }

  @Test func positive() throws {
    let corpus = try TinyCorpus()
    let request = try unheard(in: corpus)
    let report = try AdaptationRun(request).run()
    #expect(report.verdict == .positive, "\(report.lines)")
    #expect(report.shipsAdapted && report.decision.rival == .base)
    #expect(report.target.characterRates.base.rate > 0.4, "\(report.lines)")
    #expect(report.lines.contains { $0.contains("forgetting is not measured") })
    #expect(try corpus.weights("out") != corpus.weights(from: request.base))
    #expect(try corpus.record("out")["verdict"]["shipped"].string() == "adapted")
  }

  /// What ships are the best weights or their average at the end, whichever errs less on what chooses; both are
  /// scored.
  @Test(arguments: [LearningRateSchedule.Decay.cosine, .constant])
  func average(_ decay: LearningRateSchedule.Decay) throws {
    let corpus = try TinyCorpus()
    var request = try unheard(in: corpus)
    request.settings.decay = decay
    request.interpolates = false
    let report = try AdaptationRun(request).run()
    try #require(report.shipsAdapted, "\(report.lines)")
    let averaging = try #require(report.averaging)
    #expect(averaging.takesAverage == (averaging.averageCER < averaging.bestCER))
    #expect(
      report.models.map(\.kind)
        == (averaging.takesAverage ? [.base, .adapted, .averaged] : [.base, .averaged, .adapted]))
    let file = try SafetensorsFile(path: "\(corpus.path)/out/training/last.safetensors")
    let best = try SafetensorsFile(path: "\(corpus.path)/out/training/best.safetensors")
    for (name, weights) in try corpus.weights("out") {
      let average = try file.readFloats("average:\(name)")
      let expected = averaging.takesAverage ? average : try best.readFloats(name)
      #expect(weights == expected, "\(name)")
    }
    #expect(
      try corpus.record("out")["averaging"]["average_dev_cer"].double() == averaging.averageCER)
  }

  /// What the base knows already trains, and many takes of it judge: nothing was there to be learnt. The base ships,
  /// bit for bit, and says so.
  @Test func neutral() throws {
    let corpus = try TinyCorpus()
    let base = try Overfitted.outcome.get().directory
    let clips = try Overfitted.clips()
    var request = AdaptationRequest(
      base: base, train: try corpus.write(clips, "train"), output: "\(corpus.path)/out")
    // The last weights, whether they are better or not.
    request.holdsOut = false
    request.test = try corpus.write(
      try corpus.takes(clips, "test", level: 0.8) + corpus.takes(clips, "more", level: 0.7)
        + corpus.takes(clips, "third", level: 0.6), "test")
    request.retain = try corpus.write(try TinyCorpus.clips(2, of: "test"), "retain")
    request.strategy = .full
    request.settings = TinyCorpus.settings
    // As the base was trained, in small steps.
    request.settings.learningRate = 1e-4
    request.settings.batchSeconds = 15
    request.settings.epochs = 5
    request.settings.speeds = []
    request.settings.specAugment = nil
    let report = try AdaptationRun(request).run()
    #expect(report.verdict == .neutral && !report.shipsAdapted, "\(report.lines)")
    // By what was heard, not for want of data.
    #expect(report.target.characters.isResolvable && report.target.count == 24)
    #expect(!report.decision.reason.contains("too few utterances ("))
    #expect(report.weightChange.relative > 1e-4)
    let original = { (name: String) in FileManager.default.contents(atPath: "\(base)/\(name)") }
    #expect(corpus.bytes("out/model.safetensors") == original("model.safetensors"))
    #expect(corpus.bytes("out/config.json") == original("config.json"))
    let record = try corpus.record("out")
    #expect(try record["verdict"]["shipped"].string() == "base")
    #expect(try record["scores"]["retained"]["utterances"].int() == 2)
  }

  /// Each model that was there to choose from has its scores, also what training gave where less of it ships.
  @Test func everyModelIsScored() throws {
    let corpus = try TinyCorpus()
    let known = try Overfitted.clips()
    let clips = try TinyCorpus.clips(6, from: 20)
    var request = AdaptationRequest(
      base: try Overfitted.outcome.get().directory, train: try corpus.write(clips, "train"),
      output: "\(corpus.path)/out")
    request.dev = try corpus.write(try corpus.takes(clips, "dev", level: 0.9), "dev")
    request.test = try corpus.write(try corpus.takes(clips, "test", level: 0.8), "test")
    request.retain = try corpus.write(
      try corpus.takes(known, "one", level: 0.8) + corpus.takes(known, "two", level: 0.7)
        + corpus.takes(known, "three", level: 0.6), "retain")
    // Nothing may be forgotten, so that less than all of the change ships.
    request.forgettingBudget = 0
    request.strategy = .full
    request.settings = TinyCorpus.settings
    request.settings.learningRate = 4e-3
    request.settings.batchSeconds = 15
    request.settings.epochs = 40
    request.settings.evaluationSteps = 20
    request.settings.speeds = []
    request.settings.specAugment = nil
    let report = try AdaptationRun(request).run()
    let share = try #require(report.interpolation?.chosen)
    #expect(share < 1)
    #expect(
      Set(report.models.map(\.kind))
        == Set([.base, .adapted, .averaged] + (share > 0 ? [.interpolated] : [])))
    let base = report.models[0]
    let adapted = try #require(report.models.first { $0.kind == .adapted })
    #expect(adapted.target.characters.rate < base.target.characters.rate)
    #expect(adapted.retained!.characters.rate > base.retained!.characters.rate)
    let scores = try corpus.record("out")["scores"]["models"].array()
    #expect(scores.count == report.models.count)
    for (score, model) in zip(scores, report.models) {
      #expect(try score["target"]["cer"].double() == model.target.characters.rate)
      #expect(try score["retained"]["wer"].double() == model.retained?.words.rate)
    }
    #expect(report.lines.contains("all models:"))
    let page = String(decoding: try #require(corpus.bytes("out/report.html")), as: UTF8.self)
    #expect(page.contains("All models"))
  }

  /// Training and selection believe texts that are wrong; the verdict does not.
  @Test func negative() throws {
    let corpus = try TinyCorpus()
    let base = try Overfitted.outcome.get().directory
    let clips = try Overfitted.clips()
    let texts = clips.map(\.text)
    func shuffled(_ clips: [Utterance]) -> [Utterance] {
      clips.enumerated().map { index, clip in
        var clip = clip
        clip.text = texts[(index + 3) % texts.count]
        return clip
      }
    }
    var request = AdaptationRequest(
      base: base, train: try corpus.write(shuffled(clips), "train"), output: "\(corpus.path)/out")
    request.dev = try corpus.write(shuffled(try corpus.takes(clips, "dev", level: 0.9)), "dev")
    request.test = try corpus.write(try corpus.takes(clips + clips, "test", level: 0.8), "test")
    request.strategy = .full
    request.settings = TinyCorpus.settings
    request.settings.learningRate = 1e-2
    request.settings.epochs = 30
    request.settings.evaluationSteps = 15
    let report = try AdaptationRun(request).run()
    #expect(report.verdict == .negative, "\(report.lines)")
    #expect(!report.shipsAdapted)
    #expect(
      corpus.bytes("out/model.safetensors")
        == FileManager.default.contents(atPath: "\(base)/model.safetensors"))
  }
}
