import AcousticModels
import Basics
package import SpeechCorpus
import SpeechText
import Transcription

/// Every utterance of a small target, heard by networks that trained on the others.
///
/// Of a little, a tenth held out would neither choose well nor prove anything. Each candidate is trained
/// once a fold without it; half of the utterances choose by what was heard in them, and the other half judge
/// the one that was chosen. What ships is that recipe once more, on all of them.
package struct CrossValidation {
  static let folds = 4
  /// Less of a target than this, in seconds, is worth it.
  private static let fewSeconds = 300.0
  /// Passes over so little; more of them learn the utterances by heart.
  static let epochs = 20

  /// Whether a target is so small: in minutes, or in utterances, of which more than a third would have to be held
  /// out for a verdict.
  package static func isWorthwhile(_ utterances: [Utterance]) -> Bool {
    utterances.count >= folds
      && (utterances.seconds < fewSeconds
        || utterances.count < 6 * ResamplingUnit.utterances.fewestUnits)
  }

  /// What a candidate's networks heard, in the order of the folds: a score of every utterance.
  let heard: [Evaluation.Score]

  /// The rate of character errors over some utterances; infinite where none of them was heard.
  func rate(over ids: Set<String>) -> Double {
    let counts = heard.filter { ids.contains($0.utterance.id) }.map(\.characters)
    return counts.isEmpty ? .infinity : counts.reduce(ErrorCounts(), +).rate
  }
}

extension AdaptationRun {
  /// Tries the candidates by cross-validation and settles the plan on the best; a strategy that is given is the
  /// only one.
  func crossValidate(
    _ base: AcousticModel, _ hash: String, _ data: inout AdaptationData, _ plan: inout Plan
  ) throws -> StrategyChoice {
    let utterances = Recordings.distinct(data.train)
    let facts = try self.facts(base, data.train, heldOut: utterances, source: request.train ?? "")
    let folds = CorpusSplit.folds(CrossValidation.folds, of: utterances, seed: settings.seed)
    let halves = CorpusSplit.halving(utterances, seed: settings.seed)
    let judges = request.test == nil ? Set(halves.second.map(\.id)) : []
    let chooses = Set(utterances.map(\.id)).subtracting(judges)
    var trials: [(candidate: StrategyChoice.Candidate, result: CrossValidation)] = []
    var spent = 0.0
    var partsHeard = folds.count
    let isGiven = plan.strategy != .automatic
    let candidates =
      isGiven
      ? [StrategyChoice.Candidate(plan.strategy, plan.settings.learningRate)]
      : facts.fewMinutesCandidates
    for (index, candidate) in candidates.enumerated() {
      // As long as those before; the last training, on all, takes a third of that.
      let next = spent / Double(max(1, trials.count))
      guard isGiven || spent + next * 4 / 3 <= request.budgetMinutes * 60 else {
        say("the budget leaves no time for \(candidate)")
        continue
      }
      say("trial \(index + 1): \(candidate), \(folds.count) times without a part of train")
      let trial = plan.trying(isGiven ? nil : candidate, on: data.train)
      var heard: [Evaluation.Score] = []
      for (number, fold) in folds.enumerated() {
        // Where other data judge, the first candidate need not be heard in every part: of that and the last training,
        // as long as four thirds of a part's, the budget tells.
        if !isGiven, request.test != nil, trials.isEmpty, number > 0,
          spent / Double(number) * (Double(number) + 7 / 3) > request.budgetMinutes * 60
        {
          say("the budget leaves no time for the other \(folds.count - number) parts")
          partsHeard = number
          break
        }
        let files = try self.files.trial(index * folds.count + number, resumes: request.resumes)
        let (scores, seconds) = try hear(fold, base, hash, trial, files, &data)
        heard += scores
        spent += seconds
        let counts = scores.map(\.characters).reduce(ErrorCounts(), +)
        say(
          "  without part \(number + 1): CER \(percent(counts.rate)) on it, after \(decimals(seconds, 1)) s"
        )
      }
      trials.append((candidate, CrossValidation(heard: heard)))
    }
    let best = trials.min { $0.result.rate(over: chooses) < $1.result.rate(over: chooses) }!
    let unseen = best.result.heard.filter { judges.contains($0.utterance.id) }
    plan = plan.trying(isGiven ? nil : best.candidate, on: data.train)
    let choice = StrategyChoice(
      facts: facts,
      trials: trials.map { .init(candidate: $0.candidate, devCER: $0.result.rate(over: chooses)) },
      trialMinutes: spent / 60 / Double(trials.count), weights: nil, folds: folds.count,
      partsHeard: partsHeard, unseen: unseen)
    say("chosen: \(choice.reason)")
    return choice
  }

  /// Trains on all but a fold, and on nothing that repeats it; what the network then hears in the fold.
  private func hear(
    _ fold: [Utterance], _ base: AcousticModel, _ hash: String, _ plan: Plan,
    _ files: TrainingDirectory, _ data: inout AdaptationData
  ) throws -> (scores: [Evaluation.Score], seconds: Double) {
    let left = Recordings(fold)
    var part = data
    part.replay.removeAll(where: left.overlap)
    // Labels are those of all.
    let course = try makeCourse(base, hash, part, plan, isQuiet: true)
    part.train.removeAll(where: left.overlap)
    let start = ContinuousClock().now
    do {
      let state = try train(course, part.train, files, &part, isQuiet: true)
      data.quarantine = part.quarantine
      let evaluation = try Evaluation(
        fold, transcriber: Transcriber(model: course.model, precision: settings.precision),
        source: request.train ?? "")
      data.quarantine.add(evaluation.quarantine)
      return (
        CrossValidation.scores(of: fold, heard: evaluation.scores, course.model.normalizer),
        state.seconds
      )
    } catch let error as IdiolectError where error.code == .invalidData {
      // A candidate that falls apart loses, and ends no run.
      say("\(error.message); the \(fold.count) utterances left out count as wrong")
      return (
        CrossValidation.scores(of: fold, heard: [], course.model.normalizer),
        (ContinuousClock().now - start) / .seconds(1)
      )
    }
  }
}

extension CrossValidation {
  /// A score of each utterance of a fold: of one in which nothing could be heard, all is wrong. Left out, it would
  /// make whatever fell apart on it look better.
  fileprivate static func scores(
    of fold: [Utterance], heard: [Evaluation.Score], _ normalizer: TextNormalizer
  ) -> [Evaluation.Score] {
    let known = Dictionary(
      heard.map { ($0.utterance.id, $0) }, uniquingKeysWith: { first, _ in first })
    return fold.map {
      known[$0.id]
        ?? Evaluation.Score(
          $0, transcript: Transcript(text: "", durationSeconds: $0.durationSeconds ?? 0),
          normalizer: normalizer)
    }
  }
}

extension Plan {
  /// The plan with a candidate in place of what it has; with none, as it was given.
  fileprivate func trying(
    _ candidate: StrategyChoice.Candidate?, on utterances: [Utterance]
  ) -> Plan {
    var plan = self
    // Nothing is looked at: once at the end.
    plan.settings.evaluationSteps = 1_000_000_000
    guard let candidate else { return plan }
    plan.strategy = candidate.strategy
    plan.settings.learningRate = candidate.learningRate
    plan.settings.epochs = CrossValidation.epochs
    plan.settings.minutes = nil
    plan.settings.batchSeconds = min(
      settings.batchSeconds, max(20, utterances.seconds / 5))
    return plan
  }
}
