package import SpeechText

/// What an adaptation did to the target's error, on data that chose nothing.
public enum Verdict: String, Sendable, Codable {
  /// The 95 % interval of the difference lies below zero: fewer errors. With more word errors beyond chance, a
  /// gain in characters is neutral, and no gain is negative.
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

  /// The base ships unless the adapted model makes significantly fewer character errors on what judges, not
  /// significantly more word errors, and does not forget more than the budget beyond doubt. One trained from scratch
  /// ships where it makes significantly fewer, unless there is something to retain, which it never knew. Nothing
  /// ships that is significantly worse than the base.
  ///
  /// - Parameters:
  ///   - characters: adapted against its rival on data that chose nothing. They judge: the same errors, but many
  ///     more of them than of words, so they resolve sooner.
  ///   - words: of the same. A gain in characters may cost whole words, and is no proved gain then.
  ///   - rival: the base, or where that cannot write the target, training from scratch.
  ///   - forgetting: nil where it is not measured.
  ///   - overBase: against the base, the characters of what may ship, where the base is not the rival.
  package init(
    characters: PairedBootstrap, words: PairedBootstrap, against rival: ShippedModel = .base,
    forgetting: Forgetting? = nil, overBase: [ShippedModel: PairedBootstrap] = [:]
  ) {
    (self.rival, self.forgetting) = (rival, forgetting)
    let byCharacters: Verdict =
      characters.isResolvable
      ? Verdict(lower: characters.lower, upper: characters.upper) : .neutral
    let losesWords = byCharacters == .positive && words.isWorse
    let losesOnlyWords = byCharacters == .neutral && words.isWorse
    verdict = losesWords ? .neutral : losesOnlyWords ? .negative : byCharacters
    if let forgetting, forgetting.outcome == .exceeded {
      ships = .base
      reason =
        "the base ships: \(forgetting.line). Give a larger --forgetting-budget, or replay retained data in training"
      return
    }
    var shipped: ShippedModel = rival == .base ? .base : .adapted
    var why: String
    switch verdict {
    case _ where !characters.isResolvable:
      why =
        "there are too few \(characters.unit.rawValue) (\(characters.units)) to tell; give at least \(characters.unit.fewestUnits) by --test or --dev"
    case _ where losesWords:
      why =
        "the adapted model makes significantly fewer character errors, but significantly more word errors"
    case .positive:
      shipped = .adapted
      why = "it makes significantly fewer errors" + (rival == .base ? "" : " than \(rival.text)")
    case .negative where rival == .scratch && forgetting != nil:
      why = "\(rival.text) makes significantly fewer errors, but never knew what is retained"
    case .negative:
      shipped = rival
      why = "the adapted model makes significantly more \(losesOnlyWords ? "word " : "")errors"
    case .neutral:
      why =
        rival == .scratch
        ? "neither it nor \(rival.text) is proved better"
        : characters.difference < 0
          ? "the adapted model makes fewer errors, but too few utterances judge to prove it; give more by --test"
          : "the adapted model does not make fewer errors"
    }
    if overBase[shipped]?.isWorse == true {
      why = "\(shipped.text) makes significantly more errors than it"
      shipped = .base
    }
    ships = shipped
    reason = "\(ships.text) ships: \(why)"
  }
}
