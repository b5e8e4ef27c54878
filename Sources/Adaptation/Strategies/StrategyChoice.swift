import AcousticModels
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
package import Transcription

/// A strategy chosen by short trials, and why.
package struct StrategyChoice: Sendable {
  /// A strategy with its highest learning rate.
  package struct Candidate: Sendable, Hashable, CustomStringConvertible {
    package let strategy: Strategy
    package let learningRate: Double

    package init(_ strategy: Strategy, _ learningRate: Double) {
      (self.strategy, self.learningRate) = (strategy, learningRate)
    }

    package var description: String { "\(strategy) at \(learningRate)" }
  }

  package struct Trial: Sendable {
    package let candidate: Candidate
    /// The lowest on the data that chooses.
    package let devCER: Double
  }

  /// What a choice is made from before anything is tried.
  package struct Facts: Sendable {
    package let minutes: Double
    package let speakers: Int
    package let layers: Int
    package let hasNewLabels: Bool
    /// Of the base, on the data that chooses; nil where it lacks labels.
    package let baseCER: Double?

    package init(
      minutes: Double, speakers: Int, layers: Int, hasNewLabels: Bool, baseCER: Double?
    ) {
      (self.minutes, self.speakers, self.layers) = (minutes, speakers, layers)
      (self.hasNewLabels, self.baseCER) = (hasNewLabels, baseCER)
    }

    /// How far the target may lead away from the base: 0 little and slowly, 1, 2 everything.
    ///
    /// By the data: less than two minutes, less than half an hour, more. A base that gets fewer than one character
    /// in twenty wrong has little to learn and much to lose: a step less. One that gets more than half of them
    /// wrong: a step more.
    private var reach: Int {
      let byData = minutes < 2 ? 0 : minutes < 30 ? 1 : 2
      return max(0, min(2, byData + step))
    }

    private var step: Int {
      guard let baseCER else { return 0 }
      return baseCER < 0.05 ? -1 : baseCER > 0.5 ? 1 : 0
    }

    /// What is worth a trial: what may lead so far. Of one voice there is less to learn than of many: low-rank
    /// updates remain a candidate then, however much there is of it.
    package var candidates: [Candidate] {
      let half = Strategy.upper(layers: max(1, layers / 2))
      if hasNewLabels {
        return [.init(.full, 1e-3), .init(.full, 3e-4), .init(half, 1e-3)]
      }
      let lowRank = Candidate(.lora(rank: 16), 2e-3)
      switch reach {
      case 0: return [.init(.full, 1e-4), .init(.lora(rank: 8), 1e-3), .init(half, 3e-4)]
      case 1: return [.init(.full, 3e-4), .init(.full, 1e-3), lowRank]
      default:
        return [
          .init(.full, 3e-4), .init(.full, 1e-3), speakers == 1 ? lowRank : .init(.gradual, 1e-3),
        ]
      }
    }

    /// What is worth a trial where cross-validation chooses: few updates, which must be larger; a third of that for
    /// a base that has little to learn, and more for one that gets most wrong.
    package var fewMinutesCandidates: [Candidate] {
      let half = Strategy.upper(layers: max(1, layers / 2))
      if hasNewLabels { return [.init(.full, 1e-3), .init(.full, 3e-4)] }
      switch step {
      case -1: return [.init(.full, 1e-4), .init(half, 3e-4), .init(.lora(rank: 8), 7e-4)]
      case 0: return [.init(.full, 3e-4), .init(half, 1e-3), .init(.lora(rank: 8), 2e-3)]
      default: return [.init(.full, 3e-4), .init(.full, 1e-3), .init(half, 1e-3)]
      }
    }

    package var text: String {
      "\(decimals(minutes, 1)) minutes of \(speakers == 0 ? "unnamed speakers" : "\(speakers) speaker\(speakers == 1 ? "" : "s")")"
        + (hasNewLabels ? " with characters that the base lacks" : "")
        + (baseCER.map { ", of which the base gets \(percent($0)) of the characters wrong" } ?? "")
    }
  }

  package let facts: Facts
  /// In the order they were tried.
  package let trials: [Trial]
  package let trialMinutes: Double
  /// The best weights of the best trial; nil where training begins anew.
  let weights: String?
  /// How often each was tried, each time without a part of train; nil where other data chose.
  package var folds: Int?
  /// In how many of the folds the trials were heard: fewer where the budget left no time for more.
  package var partsHeard: Int?
  /// What the best, trained without them, heard in utterances that chose nothing; empty where others judge.
  package var unseen: [Evaluation.Score] = []

  /// Of all trials together.
  var seconds: Double { trialMinutes * 60 * Double(trials.count) }

  package var best: Trial? { trials.min { $0.devCER < $1.devCER } }

  /// One paragraph for people.
  package var reason: String {
    guard let best else { return "nothing could be tried on \(facts.text)" }
    let others = trials.filter { $0.candidate != best.candidate }
      .map { "\($0.candidate) \(percent($0.devCER))" }
    return
      "given \(facts.text), \(trials.count == 1 ? "one strategy was" : "\(trials.count) strategies were") tried \(method)for \(decimals(trialMinutes, 1)) minutes each; \(best.candidate) reached \(percent(best.devCER)) on the data that chooses"
      + (others.isEmpty ? "" : " (\(others.joined(separator: ", ")))")
      + (folds == nil ? ", and training went on from there" : "; what ships has trained on all")
  }

  private var method: String {
    guard let folds else { return "" }
    let all = "\(folds)-fold cross-validation "
    return partsHeard.map { $0 < folds } == true
      ? "in \(partsHeard!) part\(partsHeard == 1 ? "" : "s") of a \(all)" : "by \(all)"
  }

  var record: JSONValue {
    [
      "reason": .string(reason), "trial_minutes": .number(trialMinutes),
      "folds": folds.map { .integer($0) } ?? .null,
      "trials": .array(
        trials.map {
          [
            "strategy": .string("\($0.candidate.strategy)"),
            "learning_rate": .number($0.candidate.learningRate),
            "dev_cer": $0.devCER.isFinite ? .number($0.devCER) : .null,
          ]
        }),
    ]
  }

  /// Puts the weights of the best trial into a network, where training goes on from them.
  func start(_ course: inout Course) throws {
    guard let weights else { return }
    try TrainingCheckpoint.readWeights(weights, into: course.saved)
    course.goOn()
  }
}

extension AdaptationRun {
  /// The share of the budget that trials may take, all together.
  private static let trialShare = 0.4

  /// Tries the candidates of an automatic strategy and settles the plan on the best; nil where the strategy
  /// is given and held-out data judge it.
  func choose(
    _ base: AcousticModel, _ hash: String, _ data: inout AdaptationData, _ plan: inout Plan
  ) throws -> StrategyChoice? {
    if data.isCrossValidated { return try crossValidate(base, hash, &data, &plan) }
    guard plan.strategy == .automatic else { return nil }
    guard !data.selection.isEmpty, !data.train.isEmpty else {
      throw IdiolectError(
        .invalidArgument,
        "an automatic strategy needs labelled data that trains and that chooses: give --train and --dev, or a strategy"
      )
    }
    let facts = try self.facts(
      base, data.train, heldOut: data.selection, source: data.selectionSource)
    let candidates = facts.candidates
    let minutes = request.budgetMinutes * AdaptationRun.trialShare / Double(candidates.count)
    var trials: [StrategyChoice.Trial] = []
    var weights: [String] = []
    for (index, candidate) in candidates.enumerated() {
      say(
        "trial \(index + 1) of \(candidates.count): \(candidate), \(decimals(minutes, 1)) minutes")
      let course = try makeCourse(base, hash, data, plan.trying(candidate, minutes: minutes))
      let files = try self.files.trial(index, resumes: request.resumes)
      let state = try train(course, data.train, files, &data)
      trials.append(
        StrategyChoice.Trial(
          candidate: candidate, devCER: state.best?.devCER ?? .infinity))
      weights.append(files.best)
    }
    let best = trials.indices.min { trials[$0].devCER < trials[$1].devCER }!
    plan = plan.trying(
      candidates[best], minutes: request.budgetMinutes * (1 - AdaptationRun.trialShare))
    let choice = StrategyChoice(
      facts: facts, trials: trials, trialMinutes: minutes, weights: weights[best])
    say("chosen: \(choice.reason)")
    return choice
  }

  /// - Parameter heldOut: what tells the base's own error.
  func facts(
    _ base: AcousticModel, _ utterances: [Utterance], heldOut: [Utterance], source: String
  ) throws -> StrategyChoice.Facts {
    let hasNewLabels = try transfer(base, utterances) != nil
    return StrategyChoice.Facts(
      minutes: utterances.seconds / 60,
      speakers: Set(utterances.compactMap(\.speaker)).count,
      layers: request.keptLayers ?? base.network.sizes.layerCount,
      hasNewLabels: hasNewLabels,
      baseCER: !hasNewLabels
        ? try DevSet(heldOut, source: source, model: base, precision: settings.precision)
          .look().characterErrorRate : nil)
  }
}

extension Plan {
  /// The plan with a candidate in place of what it has.
  fileprivate func trying(_ candidate: StrategyChoice.Candidate, minutes: Double) -> Plan {
    var plan = self
    plan.strategy = candidate.strategy
    plan.settings.learningRate = candidate.learningRate
    plan.settings.minutes = minutes
    // Looks in a trial are few and far between otherwise; the clock counts them.
    if plan.settings.evaluationSteps == 0 { plan.settings.evaluationSteps = 20 }
    return plan
  }
}
