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

/// A model that an adaptation may ship.
public enum ShippedModel: String, Sendable {
  case base, adapted
  /// Trained from scratch for the same time, for a new alphabet.
  case scratch

  package var text: String {
    switch self {
    case .base: "the base"
    case .adapted: "the adapted model"
    case .scratch: "the model trained from scratch for the same time"
    }
  }
}

/// Which model is shipped, and why.
package struct Decision: Sendable {
  package let verdict: Verdict
  /// What the adapted model was compared with.
  package let rival: ShippedModel
  package let ships: ShippedModel
  package let reason: String
  package let forgetting: Forgetting?

  package var shipsAdapted: Bool { ships == .adapted }

  /// The base ships unless the adapted model makes significantly fewer errors on what judges, and does not
  /// forget more than the budget beyond doubt. One trained from scratch ships where it makes significantly fewer.
  ///
  /// - Parameters:
  ///   - characters: adapted against its rival on data that chose nothing. Judged by characters: the same
  ///     errors, but many more of them than of words, so it resolves sooner.
  ///   - rival: the base, or where that cannot write the target's alphabet, training from scratch.
  ///   - forgetting: nil where it is not measured.
  package init(
    _ characters: PairedBootstrap, against rival: ShippedModel = .base,
    forgetting: Forgetting? = nil
  ) {
    (self.rival, self.forgetting) = (rival, forgetting)
    verdict =
      characters.isResolvable
      ? Verdict(lower: characters.lower, upper: characters.upper) : .neutral
    let unproved: ShippedModel = rival == .base ? .base : .adapted
    let shipped: String
    if let forgetting, forgetting.outcome == .exceeded {
      ships = .base
      reason =
        "the base ships: \(forgetting.line). Give a larger --forgetting-budget, or replay retained data in training"
      return
    }
    guard characters.isResolvable else {
      ships = unproved
      reason =
        "\(unproved.text) ships: there are too few \(characters.unit.rawValue) (\(characters.units)) to tell; give at least \(characters.unit.fewestUnits) by --test or --dev"
      return
    }
    switch verdict {
    case .positive:
      ships = .adapted
      shipped =
        "it makes significantly fewer errors" + (rival == .base ? "" : " than \(rival.text)")
    case .negative:
      ships = rival
      shipped = "the adapted model makes significantly more errors"
    case .neutral:
      ships = unproved
      shipped =
        rival == .scratch
        ? "neither it nor \(rival.text) is proved better"
        : characters.difference < 0
          ? "the adapted model makes fewer errors, but too few utterances judge to prove it; give more by --test"
          : "the adapted model does not make fewer errors"
    }
    reason = "\(ships.text) ships: \(shipped)"
  }
}
