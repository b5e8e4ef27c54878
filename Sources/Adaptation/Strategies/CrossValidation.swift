import AcousticModels
import Basics
import SpeechCorpus
import SpeechText
import Transcription

/// Every utterance of a small target, heard by networks that trained on the others.
///
/// Of a few minutes, a tenth held out would neither choose well nor prove anything. Each candidate is trained
/// once a fold without it; half of the utterances choose by what was heard in them, and the other half judge
/// the one that was chosen. What ships has trained on all.
struct CrossValidation {
  static let folds = 4

  /// What a candidate's networks heard, in the order of the corpus.
  let heard: [Evaluation.Score]
  let seconds: Double

  /// The rate of character errors over some utterances.
  func rate(over ids: Set<String>) -> Double {
    let counts = heard.filter { ids.contains($0.utterance.id) }.map(\.characters)
    let length = counts.reduce(0) { $0 + $1.referenceLength }
    return Double(counts.reduce(0) { $0 + $1.errors }) / Double(max(1, length))
  }
}

extension StrategyChoice.Facts {
  /// What is worth a trial where cross-validation chooses: a few updates, so that they are larger.
  var fewMinutesCandidates: [StrategyChoice.Candidate] {
    let half = Strategy.upper(layers: max(1, layers / 2))
    return hasNewLabels
      ? [.init(.full, 1e-3), .init(.full, 3e-4)]
      : [.init(.full, 3e-4), .init(half, 1e-3), .init(.lora(rank: 8), 2e-3)]
  }
}

extension AdaptationRun {
  /// Passes over a few minutes; more of them learn the utterances by heart.
  private static let epochs = 20

  /// Tries the candidates by cross-validation and settles the request on the best.
  func crossValidate(
    _ base: AcousticModel, _ hash: String, _ data: inout AdaptationData
  ) throws -> StrategyChoice {
    let asked = request
    let utterances = Recordings.distinct(data.train)
    let facts = try self.facts(base, data.train, heldOut: utterances, source: request.train ?? "")
    let folds = CorpusSplit.folds(CrossValidation.folds, of: utterances, seed: settings.seed)
    let (choosing, judging) =
      request.test == nil
      ? { ($0.first, $0.second) }(CorpusSplit.halving(utterances, seed: settings.seed))
      : (utterances, [])
    var trials: [(candidate: StrategyChoice.Candidate, result: CrossValidation)] = []
    var spent = 0.0
    for (index, candidate) in facts.fewMinutesCandidates.enumerated() {
      let next = spent / Double(max(1, trials.count))
      guard spent + next <= asked.budgetMinutes * 60 else {
        say("the budget leaves no time for \(candidate)")
        continue
      }
      request = asked
      settle(candidate, data.train)
      say("trial \(index + 1): \(candidate), \(folds.count) times without a part of train")
      var heard: [Evaluation.Score] = []
      var seconds = 0.0
      for (number, fold) in folds.enumerated() {
        let left = Recordings(fold)
        let course = try makeCourse(base, hash, data)
        let files = try self.files.trial(index * folds.count + number, resumes: request.resumes)
        let state = try train(
          course, data.train.filter { !left.overlap($0) }, files, &data,
          isQuiet: true)
        seconds += state.seconds
        let evaluation = try Evaluation(
          fold, transcriber: Transcriber(model: course.model, precision: settings.precision),
          source: asked.train ?? "")
        heard += evaluation.scores
        data.quarantine.add(evaluation.quarantine)
      }
      spent += seconds
      trials.append((candidate, CrossValidation(heard: heard, seconds: seconds)))
    }
    let chooses = Set(choosing.map(\.id))
    let best = trials.min { $0.result.rate(over: chooses) < $1.result.rate(over: chooses) }!
    request = asked
    settle(best.candidate, data.train)
    let judges = Set(judging.map(\.id))
    let choice = StrategyChoice(
      facts: facts,
      trials: trials.map { .init(candidate: $0.candidate, devCER: $0.result.rate(over: chooses)) },
      trialMinutes: spent / 60 / Double(trials.count), weights: nil, folds: folds.count,
      unseen: best.result.heard.filter { judges.contains($0.utterance.id) })
    say("chosen: \(choice.reason)")
    return choice
  }

  private func settle(_ candidate: StrategyChoice.Candidate, _ utterances: [Utterance]) {
    request.strategy = candidate.strategy
    request.settings.learningRate = candidate.learningRate
    request.settings.epochs = AdaptationRun.epochs
    // Nothing is looked at: once at the end.
    request.settings.evaluationSteps = 1_000_000_000
    let seconds = utterances.reduce(0) { $0 + ($1.durationSeconds ?? 10) }
    request.settings.batchSeconds = min(settings.batchSeconds, max(20, seconds / 5))
  }
}
