import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import TestSupport
import Testing

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
    Decision(try bootstrap(base, adapted))
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

  /// The base cannot write a new alphabet: it never ships there.
  @Test func againstTrainingFromScratch() throws {
    let five = [Int](repeating: 5, count: 12)
    func ships(_ adapted: Int, _ count: Int = 12) throws -> ShippedModel {
      let base = Array(five.prefix(count))
      let decision = Decision(
        try bootstrap(base, base.map { _ in adapted }), against: .scratch)
      #expect(decision.reason.hasPrefix("\(decision.ships.text) ships: "))
      return decision.ships
    }
    #expect(try ships(1) == .adapted && ships(5) == .adapted && ships(9) == .scratch)
    #expect(try ships(9, 3) == .adapted)
  }

  @Test func aTinyNetworkLearnsEightClips() throws {
    #expect(try Overfitted.outcome.get().characterErrorRate < 0.2)
  }

  /// A base that knows the clips but for its output layer; the clips train, other takes of them judge.
  @Test func positive() throws {
    let corpus = try TinyCorpus()
    let clips = try Overfitted.clips()
    try onEngine {
      let model = try AcousticModel(directory: try Overfitted.outcome.get().directory)
      let weight = model.network.outputLayer.weight
      weight.pointer.update(repeating: 0, count: weight.count)
      weight.didChange()
      try model.write(to: corpus.base)
    }
    var request = AdaptationRequest(
      base: corpus.base, train: try corpus.write(clips, "train"), output: "\(corpus.path)/out")
    request.dev = try corpus.write(try corpus.takes(clips, "dev", level: 0.9), "dev")
    request.test = try corpus.write(try corpus.takes(clips + clips, "test", level: 0.8), "test")
    request.strategy = .outputLayer
    request.storage = .float32
    request.settings = TinyCorpus.settings
    request.settings.learningRate = 2e-2
    request.settings.batchSeconds = 15
    request.settings.epochs = 80
    request.settings.evaluationSteps = 40
    request.settings.speeds = []
    request.settings.specAugment = nil
    let report = try AdaptationRun(request).run()
    #expect(report.verdict == .positive, "\(report.lines)")
    #expect(report.shipsAdapted)
    #expect(report.lines.contains { $0.contains("forgetting is not measured") })
    let (before, after) = (try corpus.weights("base"), try corpus.weights("out"))
    let moved = before.filter { after[$0.key] != $0.value }.map(\.key).sorted()
    #expect(moved == ["ctc_head.bias", "ctc_head.weight"])
    #expect(try corpus.record("out")["verdict"]["shipped"].string() == "adapted")
  }

  /// Nothing trains: the base ships, bit for bit, and says so.
  @Test func neutral() throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    request.settings.learningRate = 1e-12
    request.retain = try corpus.write(try TinyCorpus.clips(2, of: "test"), "retain")
    let report = try AdaptationRun(request).run()
    #expect(report.verdict == .neutral && !report.shipsAdapted)
    #expect(corpus.bytes("out/model.safetensors") == corpus.bytes("base/model.safetensors"))
    #expect(corpus.bytes("out/config.json") == corpus.bytes("base/config.json"))
    let record = try corpus.record("out")
    #expect(try record["verdict"]["shipped"].string() == "base")
    #expect(try record["scores"]["target"]["cer"]["difference"]["rate"].double() == 0)
    #expect(try record["scores"]["retained"]["utterances"].int() == 2)
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
