import Foundation

/// Tells the harmless blank plateau at the beginning of a CTC training from one that will not end, and
/// from a network that has lost what it could.
///
/// Nearly every CTC network first learns to say nothing: its loss per label settles near that of
/// blanks alone and its dev CER at 100 %. That usually passes; it does not when the loss stays there.
package struct PlateauWatchdog: Sendable {
  /// The loss per label of guessing labels evenly.
  private let chance: Double

  package init(labels: Int) { chance = log(Double(max(2, labels))) }

  /// A line of advice when there is something to say.
  package func judge(_ state: TrainingState) -> String? {
    let looks = state.looks.filter { $0.loss >= 0 }
    guard let last = looks.last, let error = last.devCER, error > 0.95 else { return nil }
    if let best = state.best?.devCER, best < 0.8 {
      return
        "the network has lost what it could at step \(state.best?.step ?? 0): stop, and lower the learning rate"
    }
    let recent = looks.suffix(6)
    guard recent.count == 6, let first = recent.first else {
      return "the network still says next to nothing right: common in the beginning, wait"
    }
    if last.loss < first.loss * 0.97 {
      return "the network still says next to nothing right, but its loss falls: wait"
    }
    return last.loss > chance * 1.5
      ? "the loss stays above chance and nothing right is said: stop, and lower the learning rate"
      : "the network says next to nothing right and its loss has stopped falling: stop, and try a higher learning rate, more data or a base of a nearer language"
  }
}
