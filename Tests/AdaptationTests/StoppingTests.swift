import AcousticModels
import Adaptation
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// When training ends, which weights remain, and what the watchdog says meanwhile.
struct StoppingTests {
  private let corpus: TinyCorpus

  init() throws { corpus = try TinyCorpus() }

  /// Trains while `errors` come from the dev set, one a look; gives the weights at each look too.
  private func train(
    _ errors: [Double], patience: Int = 2, accumulation: Int = 1, epochs: Int = 8,
    minutes: Double? = nil,
    output: String = "out", spoil: ((AcousticModel, _ look: Int) -> Void)? = nil
  ) throws -> (state: TrainingState, last: [[Float]], looks: [[[Float]]], said: [String]) {
    try onEngine {
      let model = try AcousticModel(directory: corpus.base)
      var settings = TinyCorpus.settings
      settings.patience = patience
      settings.epochs = epochs
      settings.minutes = minutes
      settings.accumulation = accumulation
      let (groups, saved) = try Strategy.full.apply(
        to: model, newLabels: false, layerDecay: 1, weightDecay: 0, seed: 1)
      let data = TrainingCorpus(try TinyCorpus.clips(5), model: model, cacheBytes: 1 << 24)
      let files = TrainingDirectory(output: "\(corpus.path)/\(output)")
      try files.prepare(resumes: false)
      var looks: [[[Float]]] = []
      var said: [String] = []
      let trainer = Trainer(
        model: model, parameters: saved, groups: groups, corpus: data, settings: settings,
        files: files, fingerprint: "",
        lookAtDev: {
          looks.append(saved.map { $0.tensor.values })
          spoil?(model, looks.count)
          return DevScore(
            characterErrorRate: errors[min(looks.count, errors.count) - 1], wordErrorRate: 1)
        }, report: { said.append($0) })
      try trainer.run()
      return (trainer.state, saved.map { $0.tensor.values }, looks, said)
    }
  }

  @Test func patienceEndsItAndTheBestWeightsRemain() throws {
    let run = try train([0.9, 0.5, 0.4, 0.6, 0.4, 0.3])
    // 0.4 again is not better: the look after the second bad one never comes.
    #expect(run.looks.count == 5)
    #expect(run.state.best?.devCER == 0.4 && run.state.best?.epoch == 2)
    #expect(run.last == run.looks[2])
    #expect(run.last != run.looks[4])
    #expect(run.state.epoch == 4)
  }

  @Test func theBaseIsBestWhereNothingHelps() throws {
    let run = try train([0.1, 0.2])
    #expect(run.last == run.looks[0])
    let base = try onEngine {
      try AcousticModel(directory: corpus.base).parameters.map { $0.tensor.values }
    }
    #expect(run.last == base)
  }

  @Test func itEndsWithTheEpochs() throws {
    let run = try train([0.9, 0.8, 0.7, 0.6, 0.5], patience: 99, epochs: 3)
    #expect(run.state.epoch == 3 && run.looks.count == 4 && run.state.finished)
    #expect(run.last == run.looks[3])
    #expect(run.said.contains { $0.contains("dev CER 60.0 %") && $0.contains("(best)") })
  }

  /// Batches that are gathered across the end of an epoch neither hide its look nor add an epoch.
  @Test func accumulationAcrossEpochs() throws {
    let whole = try train([0.5], patience: 99, epochs: 4, output: "whole")
    let run = try train([0.5], patience: 99, accumulation: 2, epochs: 4)
    #expect(run.state.epoch == 4)
    #expect(run.state.audioSeconds == whole.state.audioSeconds)
    #expect(run.looks.count >= 4)
  }

  /// A run bounded by the clock ends by it, however impatient, and its best weights remain.
  @Test func theClockEndsIt() throws {
    let run = try train([0.5, 0.9], patience: 1, minutes: 0.005, output: "timed")
    #expect(run.state.finished && run.state.seconds >= 0.3 && run.state.seconds < 60)
    #expect(run.state.looks.count > 1 && run.last == run.looks[0])
  }

  /// A network that has become not-a-number is given up, and the last good weights are kept.
  @Test func collapse() throws {
    let run = try train([0.5, 0.4, 0.9], patience: 99, epochs: 100) { model, look in
      guard look == 2 else { return }
      let weight = model.network.outputLayer.weight
      weight.pointer[0] = .nan
      weight.didChange()
    }
    #expect(run.said.contains { $0.contains("no longer a number") })
    #expect(run.state.finished && run.state.brokenSteps == 20)
    #expect(run.last.allSatisfy { $0.allSatisfy(\.isFinite) } || run.state.best?.step != 0)
  }

  /// Looks that could not be scored are survived, kept in checkpoints, and never the best.
  @Test func infiniteErrors() throws {
    let run = try train([0.5, .infinity, 0.4, .infinity], patience: 99, epochs: 4)
    #expect(run.state.best?.devCER == 0.4 && run.last == run.looks[2])
    #expect(run.state.looks.count { $0.devCER == .infinity } == 3)
  }

  // MARK: - The watchdog

  private func advice(losses: [Double], errors: [Double], isOver: Bool = false) -> String? {
    var state = TrainingState()
    for (index, (loss, error)) in zip(losses, errors).enumerated() {
      var look = TrainingState.Look(step: index, epoch: 0, seconds: 0, loss: loss)
      look.devCER = error
      state.looks.append(look)
      if error < state.best?.devCER ?? .infinity { state.best = look }
    }
    return PlateauWatchdog(labels: 29).judge(state, isOver: isOver)
  }

  /// Without a dev set the loss and the share of blanks tell the same.
  @Test func watchdogWithoutDev() throws {
    func advice(_ looks: [(Double, Double)]) -> String? {
      var state = TrainingState()
      for (index, (loss, blanks)) in looks.enumerated() {
        var look = TrainingState.Look(step: index, epoch: 0, seconds: 0, loss: loss)
        look.blankShare = blanks
        state.looks.append(look)
        state.best = look
      }
      return PlateauWatchdog(labels: 29).judge(state)
    }
    #expect(advice([(2, 0.7), (1, 0.8)]) == nil)
    #expect(try #require(advice([(3, 1)])).hasSuffix("wait"))
    let plateau = [(Double, Double)](repeating: (2.9, 0.995), count: 7)
    #expect(try #require(advice(plateau)).contains("stop, and try a higher"))
    #expect(try #require(advice(plateau + [(2.5, 0.99)])).contains("its loss falls: wait"))
    let diverged = [(Double, Double)](repeating: (9, 0.3), count: 7)
    #expect(try #require(advice(diverged)).contains("lower the learning rate"))
    for end in [(1.5, 1.0), (20, 0.2)] {
      let lost = try #require(advice([(1.2, 0.7), (1, 0.8), end]))
      #expect(lost.contains("has lost") && lost.contains("step 1"))
    }
  }

  @Test func watchdog() throws {
    let ones = [Double](repeating: 1, count: 8)
    // All is well, or nothing is known.
    #expect(advice(losses: [2, 1], errors: [0.9, 0.5]) == nil)
    #expect(advice(losses: [-1], errors: [1]) == nil)
    // The harmless plateau.
    #expect(try #require(advice(losses: [3, 3], errors: ones)).hasSuffix("wait"))
    let falling = [3.4, 3.3, 3.2, 3.1, 3.0, 2.9, 2.8, 2.7]
    #expect(try #require(advice(losses: falling, errors: ones)).hasSuffix("wait"))
    // One that will not end.
    let flat = [Double](repeating: 2.9, count: 8)
    #expect(try #require(advice(losses: flat, errors: ones)).contains("stop, and try a higher"))
    let high = [Double](repeating: 9, count: 8)
    #expect(try #require(advice(losses: high, errors: ones)).contains("lower the learning rate"))
    // In the end nothing is left to wait for.
    let over = try #require(advice(losses: [3, 3], errors: ones, isOver: true))
    #expect(over.contains("try a higher") && !over.contains("wait"))
    // Collapse.
    let lost = try #require(advice(losses: [1, 1, 5], errors: [0.2, 0.1, 1]))
    #expect(lost.contains("has lost") && lost.contains("step 1"))
  }
}
