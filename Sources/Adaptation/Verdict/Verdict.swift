package import SpeechText

/// What an adaptation did to the target's error, on data that chose nothing.
public enum Verdict: String, Sendable, Codable {
  /// The 95 % interval of the difference lies below zero: fewer errors.
  case positive = "positive transfer"
  /// It contains zero, or there are too few utterances to know.
  case neutral
  /// It lies above zero: more errors.
  case negative = "negative transfer"

  package init(lower: Double, upper: Double) {
    self = upper < 0 ? .positive : lower > 0 ? .negative : .neutral
  }
}

/// Which model is shipped, and why.
package struct Decision: Sendable {
  package let verdict: Verdict
  package let shipsAdapted: Bool
  package let reason: String
  package let forgetting: Forgetting?

  /// The base ships unless the adapted model makes fewer errors on the verdict half, and does not forget more
  /// than the budget beyond doubt.
  ///
  /// - Parameters:
  ///   - characters: adapted against base on data that chose nothing. Judged by characters: the same errors,
  ///     but many more of them than of words, so it resolves sooner.
  ///   - forgetting: nil where it is not measured.
  package init(_ characters: PairedBootstrap, forgetting: Forgetting? = nil) {
    self.forgetting = forgetting
    let difference = characters.difference
    if let forgetting, forgetting.outcome == .exceeded {
      verdict =
        characters.isResolvable
        ? Verdict(lower: characters.lower, upper: characters.upper) : .neutral
      shipsAdapted = false
      reason =
        "the base ships: \(forgetting.line). Give a larger --forgetting-budget, or replay retained data in training"
      return
    }
    guard characters.isResolvable else {
      verdict = .neutral
      shipsAdapted = difference < 0
      reason =
        "the \(shipsAdapted ? "adapted model ships: it makes fewer errors" : "base ships: the adapted model does not make fewer errors"), but there are too few \(characters.unit.rawValue) (\(characters.units)) to resolve it: give at least \(characters.unit.fewestUnits) by --test or --dev"
      return
    }
    verdict = Verdict(lower: characters.lower, upper: characters.upper)
    shipsAdapted = difference < 0 && verdict != .negative
    switch verdict {
    case .positive: reason = "the adapted model ships: it makes significantly fewer errors"
    case .negative: reason = "the base ships: the adapted model makes significantly more errors"
    case .neutral:
      reason =
        difference < 0
        ? "the adapted model ships: it makes fewer errors, though so few utterances cannot prove it"
        : "the base ships: the adapted model does not make fewer errors"
    }
  }
}
