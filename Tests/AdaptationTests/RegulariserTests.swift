import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// What holds a network near its base: replay, distillation, pulls and importances; and what may ship.
struct RegulariserTests {
  private let corpus: TinyCorpus

  init() throws { corpus = try TinyCorpus() }

  /// How far training moves the weights with these settings.
  private func change(_ adjust: (inout AdaptationRequest) throws -> Void) throws -> Double {
    var request = try corpus.request()
    request.storage = .float32
    request.settings.learningRate = 3e-3
    request.settings.weightDecay = 0
    request.settings.epochs = 6
    request.interpolates = false
    request.holdsOut = false
    request.test = request.dev
    request.dev = nil
    try adjust(&request)
    try? FileManager.default.removeItem(atPath: request.output)
    return try AdaptationRun(request).run().weightChange.relative
  }

  private func replayed(_ request: inout AdaptationRequest) throws {
    request.replay = try corpus.write(try TinyCorpus.clips(4, of: "test"), "replay")
  }

  @Test func eachHoldsTheWeights() throws {
    let free = try change { _ in }
    #expect(try change { $0.settings.pullToStart = 200 } < 0.5 * free)
    // So strong a pull leaves one update's worth.
    #expect(try change { $0.settings.pullToStart = 1e6 } < 0.1 * free)
    let replay = try change { try replayed(&$0) }
    // Few weights matter much, and the others are free.
    #expect(
      try change {
        try replayed(&$0)
        $0.settings.consolidation = 1e5
      } < 0.7 * replay)
  }

  /// What trials chose goes on, held at the base and not at what a trial left.
  @Test(arguments: [true, false]) func holdsAtTheBase(_ isEven: Bool) throws {
    var request = try corpus.request()
    request.strategy = .automatic
    request.budgetMinutes = 0.1
    request.settings.evaluationSteps = 2
    if isEven {
      request.settings.pullToStart = 1e6
    } else {
      try replayed(&request)
      request.settings.consolidation = 1e6
    }
    let name = "ctc_head.bias"
    _ = try AdaptationRun(request) { line in
      guard line.hasPrefix("chosen") else { return }
      for path in self.trials { try! self.shift(name, in: path) }
    }.run()
    let last = try SafetensorsFile(path: "\(corpus.path)/out/training/last.safetensors")
    let (base, held) = (try corpus.weights("base")[name]!, try last.readFloats(name))
    #expect(zip(base, held).allSatisfy { abs($0 - $1) < 0.1 }, "\(zip(base, held).map { $1 - $0 })")
  }

  private var trials: [String] {
    (0..<4).map { "\(corpus.path)/out/training/trial-\($0)/training/best.safetensors" }
      .filter { FileManager.default.fileExists(atPath: $0) }
  }

  /// Adds a half to one of the tensors of a file.
  private func shift(_ name: String, in path: String) throws {
    let file = try SafetensorsFile(path: path)
    let values = try Dictionary(
      uniqueKeysWithValues: file.names.map { ($0, try file.readFloats($0)) })
    try SafetensorsWriter.write(
      file.names.map { other in
        SafetensorsTensor(other, shape: file.entries[other]!.shape) {
          values[other]!.map { other == name ? $0 + 0.5 : $0 }
        }
      }, metadata: file.metadata, to: path)
  }

  /// Twice the distance, twice the gradient; at the base itself the distance has none.
  @Test func distillation() throws {
    let (free, held) = (
      try change { $0.strategy = .outputLayer },
      try change {
        $0.strategy = .outputLayer
        $0.settings.distillation = 1000
      }
    )
    #expect(held < 0.5 * free)
  }

  @Test func replayMakesUpItsShare() throws {
    let seconds = (0..<100).map { 1 + Double($0 % 7) }
    for share in [0.1, 0.3, 0.8] {
      let plan = BatchPlan(
        seconds: seconds, mixture: .init(first: 60, share: share, keepsOthers: true),
        batchSeconds: 60, speeds: [], seed: 1, epoch: 0)
      let draws = plan.batches.flatMap { $0 }
      #expect(Set(draws).count == draws.count)
      #expect(Set(draws.map(\.item)).isSuperset(of: 0..<60))
      #expect(draws.count { $0.item < 60 } == 60)
      let replayed = draws.filter { $0.item >= 60 }.reduce(0) { $0 + seconds[$1.item] }
      let all = draws.reduce(0) { $0 + seconds[$1.item] }
      #expect(abs(replayed / all - share) < 0.03)
    }
  }

  @Test func whatIsReplayedMayNotJudge() throws {
    var request = try corpus.request()
    request.replay = request.dev
    #expect(throws: IdiolectError.self) { try AdaptationRun(request).run() }
    request = try corpus.request()
    request.settings.consolidation = 1
    let error = #expect(throws: IdiolectError.self) { try AdaptationRun(request).run() }
    #expect(error?.message.contains("--replay") == true)
  }

  private func point(_ share: Double, _ target: Double, _ retained: Double?) -> Interpolation.Point
  {
    func score(_ rate: Double) -> DevScore {
      DevScore(characterErrorRate: rate, wordErrorRate: rate)
    }
    return Interpolation.Point(
      share: share, target: score(target), retained: retained.map(score))
  }

  @Test func bestMixtureWithinTheBudget() {
    func chosen(_ points: [Interpolation.Point]) -> Double {
      Interpolation(budget: 0.01, points: points).chosen
    }
    #expect(chosen([point(1, 0.1, nil), point(0.5, 0.2, nil), point(0, 0.3, nil)]) == 1)
    #expect(chosen([point(1, 0.2, nil), point(0.5, 0.1, nil), point(0, 0.3, nil)]) == 0.5)
    #expect(chosen([point(1, 0.1, 0.5), point(0.5, 0.2, 0.208), point(0, 0.3, 0.2)]) == 0.5)
    #expect(chosen([point(1, 0.1, 0.5), point(0.5, 0.2, 0.4), point(0, 0.3, 0.2)]) == 0)
    #expect(chosen([point(1, 0.2, 0.2), point(0.5, 0.2, 0.2), point(0, 0.2, 0.2)]) == 1)
  }

  @Test func endsOfAMixtureAreExact() throws {
    let model = try onEngine { try AcousticModel(directory: corpus.base) }
    let parameters = model.parameters
    let base = parameters.map { $0.tensor.copy() }
    var adapted = base.map { Tensor($0.values.map { $0 * 1.7 + 0.1 }, shape: $0.shape) }
    // What did not move is one tensor.
    adapted[1] = base[1]
    for (share, expected) in [(1.0, adapted), (0.0, base)] {
      Interpolation.apply(share, base: base, adapted: adapted, to: parameters)
      #expect(parameters.map { $0.tensor.values } == expected.map(\.values))
    }
    Interpolation.apply(0.5, base: base, adapted: adapted, to: parameters)
    let middle = (base[0].values[0] + adapted[0].values[0]) / 2
    #expect(abs(parameters[0].tensor.values[0] - middle) < 1e-6)
  }

  /// Errors out of ten, an utterance of ten words each.
  private func forgetting(_ errors: [Int], budget: Double) throws -> Forgetting {
    func counts(_ errors: [Int]) -> [ErrorCounts] {
      errors.map { count in
        .characters(
          reference: "abcdefghij",
          hypothesis: String(repeating: "x", count: count) + "abcdefghij".dropFirst(count))
      }
    }
    let difference = try PairedBootstrap(
      base: counts(errors.map { _ in 1 }), adapted: counts(errors),
      speakers: errors.map { _ in nil })
    return Forgetting(
      words: difference, characters: difference, wordCount: errors.count * 10, budget: budget)
  }

  @Test func budgets() throws {
    let same = try forgetting([Int](repeating: 1, count: 20), budget: 0.01)
    #expect(same.outcome == .kept && same.missing == nil)
    let worse = try forgetting([Int](repeating: 4, count: 20), budget: 0.01)
    #expect(worse.outcome == .exceeded)
    #expect(try forgetting([Int](repeating: 4, count: 20), budget: 0.5).outcome == .kept)
    let doubtful = try forgetting((0..<20).map { $0 % 3 }, budget: 0.01)
    #expect(doubtful.outcome == .unresolved && doubtful.missing?.count ?? 0 > 200)
    #expect(doubtful.line.contains("words more"))
    #expect(try forgetting([4, 4], budget: 0.01).outcome == .unresolved)
  }

  /// What it forgets beyond doubt does not ship, however much better it hears the target.
  @Test func exceedingTheBudgetShipsTheBase() throws {
    func counts(_ errors: Int) -> [ErrorCounts] {
      [ErrorCounts](
        repeating: .characters(
          reference: "abcdefghij",
          hypothesis: String(repeating: "x", count: errors) + "abcdefghij".dropFirst(errors)),
        count: 20)
    }
    let better = try PairedBootstrap(
      base: counts(6), adapted: counts(2), speakers: counts(6).map { _ in nil })
    let decision = Decision(
      characters: better, words: better,
      forgetting: try forgetting([Int](repeating: 4, count: 20), budget: 0.01))
    #expect(decision.verdict == .positive && !decision.shipsAdapted)
    #expect(decision.reason.contains("--forgetting-budget"))
  }
}
