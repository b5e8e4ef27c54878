import Basics
import TensorEngine

/// The moving average of the weights at the end of training beside the best of them, on the data that chooses.
package struct Averaging: Sendable {
  /// Of the average; about a hundred updates.
  package static let decay = 0.99

  package let bestCER: Double
  package let averageCER: Double
  /// The one that was not taken, on the data that judges; nil where none could be heard.
  package let other: ModelScores?

  package var takesAverage: Bool { averageCER < bestCER }

  /// A line for the person who waits.
  var summary: String {
    "average of the weights, dev CER \(percent(averageCER)) beside \(percent(bestCER)): it is \(takesAverage ? "kept" : "not needed")"
  }

  var record: JSONValue {
    [
      "decay": .number(Averaging.decay), "best_dev_cer": .number(bestCER),
      "average_dev_cer": averageCER.isFinite ? .number(averageCER) : .null,
      "chosen": .bool(takesAverage),
    ]
  }
}

extension AdaptationRun {
  /// Puts the moving average into the network where it makes fewer errors than the best weights do; nil where none
  /// was kept.
  func chooseAverage(
    _ course: Course, _ state: TrainingState, _ data: AdaptationData
  ) throws -> Averaging? {
    guard let average = course.average, let best = state.best?.devCER, state.updates > 0 else {
      return nil
    }
    let dev = DevSet(
      data.selection, source: data.selectionSource, model: course.model,
      precision: settings.precision)
    average.swap()
    let found = try dev.look().characterErrorRate
    let takes = found < best
    if takes { average.swap() }
    let kind = takes ? ModelScores.Kind.adapted : .averaged
    let target = try? evaluate(course.model, data.verdict, "the \(kind.rawValue) model on target")
    let retained =
      data.retained.isEmpty || course.replaces
      ? Optional.none
      : try? evaluate(course.model, data.retained, "the \(kind.rawValue) model on retained")
    average.swap()
    let averaging = Averaging(
      bestCER: best, averageCER: found,
      other: target.map { ModelScores(kind: kind, target: $0, retained: retained) })
    say(averaging.summary)
    return averaging
  }
}
