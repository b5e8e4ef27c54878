import AcousticModels
import Basics
import SpeechCorpus
import TensorEngine

/// A round of training on what a teacher heard in recordings that nobody transcribed.
package struct Round: Sendable {
  package let kept: Int
  package let refused: [PseudoLabels.Refusal: Int]
  package let agreement: Double
  package let steps: Int
  package let seconds: Double
  /// How far from the first teacher it led, in nats a frame.
  package let drift: Double
  /// Why its weights were undone; nil where they stayed.
  package let objection: String?

  /// - Parameters:
  ///   - heard: what it trained on.
  ///   - now: what is heard after it.
  init(
    _ heard: PseudoLabels, now: PseudoLabels, steps: Int = 0, seconds: Double = 0,
    objection: String? = nil
  ) {
    (kept, refused, agreement) = (heard.kept.count, heard.refused, heard.agreement)
    (self.steps, self.seconds, self.objection) = (steps, seconds, objection)
    drift = now.drift
  }

  var record: JSONValue {
    [
      "kept": .integer(kept),
      "refused": .object(
        JSONObject(
          PseudoLabels.Refusal.allCases.map { ("\($0)", .integer(refused[$0] ?? 0)) })),
      "agreement": .number(agreement), "steps": .integer(steps),
      "seconds": .number(seconds.rounded()), "divergence": drift.isFinite ? .number(drift) : .null,
      "undone": objection.map { .string($0) } ?? .null,
    ]
  }
}

extension AdaptationRun {
  /// Trains on what is labelled, then on what a teacher hears in the rest.
  ///
  /// - Returns: the state of the last stage that stayed, with the work of all stages.
  func train(
    _ course: Course, _ data: inout AdaptationData
  ) throws -> (state: TrainingState, rounds: [Round]) {
    var course = course
    // By the clock, each stage has a like part of the time.
    let count = (data.train.isEmpty ? 0 : 1) + (data.unlabelled.isEmpty ? 0 : request.rounds)
    course.plan.settings.minutes = course.plan.settings.minutes.map { $0 / Double(max(1, count)) }
    var state = TrainingState()
    if !data.train.isEmpty {
      state = try train(course, data.train, files, &data)
      course.goOn()
    }
    guard !data.unlabelled.isEmpty else { return (state, []) }
    if data.train.isEmpty && course.transfer != nil {
      throw IdiolectError(
        .invalidData, "a new output layer hears nothing yet: give some labelled data by --train")
    }
    if course.plan.settings.averageDecay == nil { course.plan.settings.averageDecay = 0.99 }
    var stages = [state]
    var rounds: [Round] = []
    var heard = labels(course, data, after: nil)
    for round in 1...max(1, request.rounds) {
      say("round \(round): \(heard.summary)")
      guard !heard.kept.isEmpty else {
        rounds.append(Round(heard, now: heard))
        break
      }
      let before = course.saved.map { $0.tensor.values }
      let next = try train(
        course, data.train + heard.kept, files.round(round, resumes: request.resumes), &data,
        after: state.withWork(of: stages))
      stages.append(next)
      let now = labels(course, data, after: heard)
      // Labels decide where there are any; otherwise signs of a collapse.
      let objection: String? =
        if let reached = next.best?.devCER, let known = state.best?.devCER {
          reached < known ? nil : "the dev CER did not fall"
        } else {
          now.collapse(since: heard)
        }
      rounds.append(
        Round(heard, now: now, steps: next.step, seconds: next.seconds, objection: objection))
      if let objection {
        say("round \(round) is undone: \(objection)")
        for (parameter, values) in zip(course.saved, before) {
          parameter.tensor.pointer.update(from: values, count: values.count)
          parameter.tensor.didChange()
        }
        break
      }
      (state, heard) = (next, now)
      course.goOn()
    }
    return (state.withWork(of: stages), rounds)
  }

  private func labels(
    _ course: Course, _ data: AdaptationData, after teacher: PseudoLabels?
  ) -> PseudoLabels {
    PseudoLabels(
      data.unlabelled, teacher: course.model, precision: settings.precision, seed: settings.seed,
      after: teacher)
  }
}
