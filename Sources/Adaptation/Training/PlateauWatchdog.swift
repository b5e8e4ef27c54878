import Foundation

/// Tells the harmless blank plateau at the beginning of a CTC training from one that will not end, and
/// from a network that has lost what it could.
///
/// Nearly every CTC network first learns to say nothing: its loss per label settles near that of
/// blanks alone and its dev CER at 100 %. That usually passes; it does not when the loss stays there. Without a dev
/// set, the loss and the share of blanks in training tell.
package struct PlateauWatchdog: Sendable {
  /// The loss per label of guessing labels evenly.
  private let chance: Double

  package init(labels: Int) { chance = log(Double(max(2, labels))) }

  /// A line of advice when there is something to say.
  ///
  /// - Parameter isOver: whether training ends with this look, so that there is nothing to wait for.
  package func judge(_ state: TrainingState, isOver: Bool = false) -> String? {
    let looks = state.looks.filter { $0.loss >= 0 }
    guard let last = looks.last, saysNothing(last) else { return nil }
    if let step = stepBeforeLoss(looks, best: state.best) {
      return
        "the network has lost what it could at step \(step): stop, and lower the learning rate"
    }
    let recent = looks.suffix(6)
    guard isOver || recent.count == 6 else {
      return "the network still says next to nothing right: common in the beginning, wait"
    }
    if !isOver && last.loss < recent[recent.startIndex].loss * 0.97 {
      return "the network still says next to nothing right, but its loss falls: wait"
    }
    let advice = isOver ? "" : "stop, and "
    return last.loss > chance * 1.5
      ? "the loss stays above chance and nothing right is said: \(advice)lower the learning rate"
      : "the network says next to nothing right\(isOver ? "" : " and its loss has stopped falling"): \(advice)try a higher learning rate, more data or a base of a nearer language"
  }

  private func saysNothing(_ look: TrainingState.Look) -> Bool {
    if let error = look.devCER { return error > 0.95 }
    return look.loss > chance * 1.5 || look.blankShare ?? 0 > 0.98
  }

  /// When the network last knew better; nil where it never did.
  private func stepBeforeLoss(
    _ looks: [TrainingState.Look], best: TrainingState.Look?
  ) -> Int? {
    guard looks.last?.devCER == nil else {
      return best.flatMap { $0.devCER ?? 1 < 0.8 ? $0.step : Optional.none }
    }
    // Well clear of the plateau's edge, along which a network may go for a while.
    return looks.last { $0.loss < chance && $0.blankShare ?? 0 < 0.95 }?.step
  }
}
