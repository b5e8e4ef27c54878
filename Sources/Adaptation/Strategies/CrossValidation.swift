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

  /// What a candidate's networks heard, in the order of the folds.
  let heard: [Evaluation.Score]

  /// The rate of character errors over some utterances; infinite where none of them was heard.
  func rate(over ids: Set<String>) -> Double {
    let counts = heard.filter { ids.contains($0.utterance.id) }.map(\.characters)
    return counts.isEmpty ? .infinity : counts.reduce(ErrorCounts(), +).rate
  }
}

extension StrategyChoice.Facts {
  /// What is worth a trial where cross-validation chooses: few updates, which must be larger.
  var fewMinutesCandidates: [StrategyChoice.Candidate] {
    let half = Strategy.upper(layers: max(1, layers / 2))
    return hasNewLabels
      ? [.init(.full, 1e-3), .init(.full, 3e-4)]
      : [.init(.full, 3e-4), .init(half, 1e-3), .init(.lora(rank: 8), 2e-3)]
  }
}

extension AdaptationRun {
  /// Tries the candidates by cross-validation and settles the request on the best; a strategy that is given is the
  /// only one.
  func crossValidate(
    _ base: AcousticModel, _ hash: String, _ data: inout AdaptationData
  ) throws -> StrategyChoice {
    let asked = request
    let utterances = Recordings.distinct(data.train)
    let facts = try self.facts(base, data.train, heldOut: utterances, source: request.train ?? "")
    let folds = CorpusSplit.folds(CrossValidation.folds, of: utterances, seed: settings.seed)
    let halves = CorpusSplit.halving(utterances, seed: settings.seed)
    let judges = request.test == nil ? Set(halves.second.map(\.id)) : []
    let chooses = Set(utterances.map(\.id)).subtracting(judges)
    var trials: [(candidate: StrategyChoice.Candidate, result: CrossValidation)] = []
    var spent = 0.0
    let isGiven = asked.strategy != .automatic
    let candidates =
      isGiven
      ? [StrategyChoice.Candidate(asked.strategy, asked.settings.learningRate)]
      : facts.fewMinutesCandidates
    for (index, candidate) in candidates.enumerated() {
      // As long as those before; the last training, on all, takes a third of that.
      let next = spent / Double(max(1, trials.count))
      guard isGiven || spent + next * 4 / 3 <= asked.budgetMinutes * 60 else {
        say("the budget leaves no time for \(candidate)")
        continue
      }
      request = asked
      settle(candidate, data.train, isGiven)
      say("trial \(index + 1): \(candidate), \(folds.count) times without a part of train")
      var heard: [Evaluation.Score] = []
      for (number, fold) in folds.enumerated() {
        let files = try self.files.trial(index * folds.count + number, resumes: request.resumes)
        let (scores, seconds) = try hear(fold, base, hash, files, &data)
        heard += scores
        spent += seconds
      }
      trials.append((candidate, CrossValidation(heard: heard)))
    }
    let best = trials.min { $0.result.rate(over: chooses) < $1.result.rate(over: chooses) }!
    let unseen = best.result.heard.filter { judges.contains($0.utterance.id) }
    guard !unseen.isEmpty || request.test != nil else {
      throw IdiolectError(
        .invalidData,
        "\(request.train ?? ""): none of the utterances that should judge could be transcribed; give others by --test"
      )
    }
    request = asked
    settle(best.candidate, data.train, isGiven)
    let choice = StrategyChoice(
      facts: facts,
      trials: trials.map { .init(candidate: $0.candidate, devCER: $0.result.rate(over: chooses)) },
      trialMinutes: spent / 60 / Double(trials.count), weights: nil, folds: folds.count,
      unseen: unseen)
    say("chosen: \(choice.reason)")
    return choice
  }

  /// Trains on all but a fold, and on nothing that repeats it; what the network then hears in the fold.
  private func hear(
    _ fold: [Utterance], _ base: AcousticModel, _ hash: String, _ files: TrainingDirectory,
    _ data: inout AdaptationData
  ) throws -> (scores: [Evaluation.Score], seconds: Double) {
    let left = Recordings(fold)
    var part = data
    part.train.removeAll(where: left.overlap)
    part.replay.removeAll(where: left.overlap)
    // Labels are those of all.
    let course = try makeCourse(base, hash, data, isQuiet: true)
    let state = try train(course, part.train, files, &part, isQuiet: true)
    data.quarantine = part.quarantine
    do {
      let evaluation = try Evaluation(
        fold, transcriber: Transcriber(model: course.model, precision: settings.precision),
        source: request.train ?? "")
      data.quarantine.add(evaluation.quarantine)
      return (evaluation.scores, state.seconds)
    } catch let error as IdiolectError where error.code == .invalidData {
      say(error.message)
      return ([], state.seconds)
    }
  }

  /// - Parameter isGiven: whether the settings are, too.
  private func settle(
    _ candidate: StrategyChoice.Candidate, _ utterances: [Utterance], _ isGiven: Bool
  ) {
    // Nothing is looked at: once at the end.
    request.settings.evaluationSteps = 1_000_000_000
    guard !isGiven else { return }
    request.strategy = candidate.strategy
    request.settings.learningRate = candidate.learningRate
    request.settings.epochs = CrossValidation.epochs
    request.settings.minutes = nil
    request.settings.batchSeconds = min(settings.batchSeconds, max(20, utterances.seconds / 5))
  }
}
