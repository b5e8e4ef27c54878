import Adaptation
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TestSupport
import Testing
import Transcription

/// The strategy that short trials choose.
struct StrategyChoiceTests {
  @Test func candidatesFitTheData() {
    func facts(
      _ minutes: Double, newLabels: Bool = false, speakers: Int = 1, baseCER: Double = 0.3
    ) -> StrategyChoice.Facts {
      StrategyChoice.Facts(
        minutes: minutes, speakers: speakers, layers: 10, hasNewLabels: newLabels, baseCER: baseCER)
    }
    for facts in [facts(0.5), facts(10), facts(200), facts(10, newLabels: true)] {
      #expect(facts.candidates.count >= 3)
      #expect(Set(facts.candidates).count == facts.candidates.count)
      #expect(facts.candidates.contains { $0.strategy == .full })
    }
    // Little data moves little.
    let rate = { (minutes: Double) in
      facts(minutes).candidates.filter { $0.strategy == .full }.map(\.learningRate).min()!
    }
    #expect(rate(0.5) < rate(10) && rate(10) <= rate(200))
    #expect(!facts(10, newLabels: true).candidates.contains { $0.strategy == .lora(rank: 16) })
    // A base that is nearly right moves as with less data, one that is nearly always wrong as with more.
    #expect(facts(10, baseCER: 0.03).candidates == facts(1).candidates)
    #expect(facts(1, baseCER: 0.03).candidates == facts(1).candidates)
    #expect(facts(1, baseCER: 0.7).candidates == facts(10).candidates)
    let rates = [0.03, 0.3, 0.7].map {
      facts(1, baseCER: $0).fewMinutesCandidates.map(\.learningRate)
    }
    #expect(rates[0].max()! < rates[1].max()! && rates[0].min()! < rates[2].min()!)
    // A voice changes less than many of them.
    #expect(facts(200).candidates.contains { $0.strategy == .lora(rank: 16) })
    #expect(!facts(200, speakers: 9).candidates.contains { $0.strategy == .lora(rank: 16) })
  }

  /// Trials, the best of them continued, and the reason in what is written.
  @Test func wholeRun() throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    request.strategy = .automatic
    request.budgetMinutes = 0.1
    request.settings.evaluationSteps = 2
    var lines: [String] = []
    let report = try AdaptationRun(request) { lines.append($0) }.run()
    let choice = try #require(report.choice)
    #expect(choice.trials.count == choice.facts.candidates.count)
    let best = try #require(choice.best)
    #expect(choice.trials.allSatisfy { $0.devCER >= best.devCER })
    #expect(report.request.strategy == best.candidate.strategy)
    #expect(report.request.settings.learningRate == best.candidate.learningRate)
    #expect(
      lines.contains { $0.hasPrefix("trial 1 of") } && lines.contains { $0.hasPrefix("chosen") })
    #expect(report.lines.contains { $0.hasPrefix("why: ") })
    // What went on from the trial is no worse on what chose it.
    #expect((report.training.best?.devCER ?? 1) <= best.devCER + 1e-9)
    #expect(try corpus.record("out")["choice"]["trials"].array().count == choice.trials.count)
  }

  /// Of a few clips nothing is held out: each is heard by networks that did not train on it, half of them choose,
  /// the others judge, and all train what ships.
  @Test func crossValidates() throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    request.train = try corpus.write(try TinyCorpus.clips(9), "few")
    request.dev = nil
    request.strategy = .automatic
    var lines: [String] = []
    let report = try AdaptationRun(request) { lines.append($0) }.run()
    #expect(lines.contains { $0.contains("too few to hold any out: by cross-validation") })
    let choice = try #require(report.choice)
    #expect(choice.folds == 4 && choice.trials.count >= 2)
    #expect((4...5).contains(report.target.count))
    #expect(choice.trials.allSatisfy { $0.devCER >= choice.best!.devCER })
    #expect(report.request.strategy == choice.best?.candidate.strategy)
    #expect(report.lines[0].contains("did not train on it"))
    #expect(try corpus.record("out")["lineage"]["train_utterances"].int() == 9)
    // With a test set, that judges.
    request.test = try corpus.write(try TinyCorpus.clips(4, from: 9), "test")
    request.output += "2"
    let tested = try AdaptationRun(request).run()
    #expect(tested.target.count == 4 && tested.choice?.unseen.isEmpty == true)
    // That then need not wait for every part.
    request.budgetMinutes = 1e-3
    request.output += "3"
    let hurried = try AdaptationRun(request).run()
    #expect(hurried.choice?.partsHeard == 1 && hurried.choice?.trials.count == 1)
    #expect(hurried.choice?.reason.contains("in 1 part of a 4-fold") == true)
  }

  /// A strategy that is given has its own settings, and is proved in the same way.
  @Test func crossValidatesWhatIsGiven() throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    request.train = try corpus.write(try TinyCorpus.clips(9), "few")
    request.dev = nil
    request.strategy = .bias
    request.settings.epochs = 2
    let report = try AdaptationRun(request).run()
    let choice = try #require(report.choice)
    #expect(choice.folds == 4 && choice.trials.count == 1)
    #expect(choice.reason.contains("one strategy was tried by 4-fold cross-validation"))
    #expect(report.request.strategy == .bias && report.request.settings.epochs == 2)
    #expect((4...5).contains(report.target.count))
    // Judged by a test set, or bounded by wall time, it trains once.
    request.settings.minutes = 0.02
    request.output += "2"
    #expect(try AdaptationRun(request).run().choice == nil)
    request.settings.minutes = nil
    request.test = try corpus.write(try TinyCorpus.clips(4, from: 9), "test")
    request.output += "3"
    #expect(try AdaptationRun(request).run().choice == nil)
  }

  /// A training that fails ends no run: what its network should have heard is wrong, in the choice and in the
  /// verdict.
  @Test func failedFoldsAreWrong() throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    let clips = try corpus.copies(TinyCorpus.clips(9))
    request.train = try corpus.write(clips, "few")
    request.dev = nil
    request.strategy = .bias
    let recordings = clips.map { FileManager.default.contents(atPath: $0.audioPath)! }
    func write(_ contents: [Data]) {
      for (clip, data) in zip(clips, contents) {
        try! data.write(to: URL(fileURLWithPath: clip.audioPath))
      }
    }
    var failures = 0
    let report = try AdaptationRun(request) { line in
      if line.hasPrefix("trial 1") { write(clips.map { _ in Data("no sound".utf8) }) }
      if line.hasSuffix("count as wrong") {
        failures += 1
        write(recordings)
      }
    }.run()
    #expect(failures == 1)
    let judges = CorpusSplit.halving(clips, seed: 1).second
    let lost = Set(CorpusSplit.folds(4, of: clips, seed: 1)[0].map(\.id))
    #expect(report.target.count == judges.count)
    #expect(judges.contains { lost.contains($0.id) })
    for score in report.target.adapted.scores where lost.contains(score.utterance.id) {
      #expect(score.characters.errors == score.characters.referenceLength)
      #expect(score.hypothesis.isEmpty)
    }
    let choice = try #require(report.choice)
    #expect(choice.trials[0].devCER > 0 && choice.trials[0].devCER.isFinite)
  }

  @Test func needsDataToChooseBy() throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    request.strategy = .automatic
    request.test = request.dev
    request.dev = nil
    request.holdsOut = false
    let error = #expect(throws: IdiolectError.self) { try AdaptationRun(request).run() }
    #expect(error?.message.contains("--dev") == true)
  }
}
