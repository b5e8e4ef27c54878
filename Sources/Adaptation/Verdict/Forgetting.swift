import Basics
package import SpeechText

/// What an adaptation cost on retained data, against a budget.
package struct Forgetting: Sendable {
  package enum Outcome: String, Sendable, Codable {
    case kept, exceeded
    /// The intervals are too wide to tell.
    case unresolved
  }

  /// Retained data that would tell, about: more words, or more speakers where those are resampled, for another
  /// hour of the same voices narrows nothing.
  package struct Missing: Sendable, Hashable {
    package let count: Int
    package let unit: ResamplingUnit

    package init(count: Int, unit: ResamplingUnit) {
      (self.count, self.unit) = (count, unit)
    }

    package var unitName: String { unit == .speakers ? "speakers" : "words" }
    var record: JSONValue { ["count": .integer(count), "unit": .string(unitName)] }
    package var text: String { "\(count) \(unitName) more of retained data" }
  }

  package let outcome: Outcome
  /// Absolute, for the WER as for the CER.
  package let budget: Double
  /// nil where it is told already, or the difference lies so near the budget that no amount would tell.
  package let missing: Missing?

  /// - Parameter wordCount: of the retained data's texts.
  package init(words: PairedBootstrap, characters: PairedBootstrap, wordCount: Int, budget: Double)
  {
    self.budget = budget
    let both = [words, characters]
    let resolves = both.allSatisfy(\.isResolvable)
    if resolves && both.contains(where: { $0.lower > budget }) {
      outcome = .exceeded
    } else if resolves && both.allSatisfy({ $0.upper <= budget }) {
      outcome = .kept
    } else {
      outcome = .unresolved
    }
    guard outcome == .unresolved else {
      missing = nil
      return
    }
    // Of one that exceeds the budget there need be no more; both must keep it.
    let exceeding = both.filter { $0.difference > budget }.map { Forgetting.factor($0, budget) }
    let factor = exceeding.min() ?? both.map { Forgetting.factor($0, budget) }.max() ?? 1
    let enough = Double(words.unit.fewestUnits) / Double(max(1, words.units))
    let more = max(factor, enough) - 1
    let perSpeaker = words.unit == .speakers
    let wanted = Double(perSpeaker ? words.units : wordCount) * more
    // Words by the hundred: this is an estimate.
    let step = perSpeaker ? 1.0 : 100
    missing =
      wanted > 0 && wanted < Forgetting.most
      ? Missing(count: Int((wanted / step).rounded(.up) * step), unit: words.unit) : nil
  }

  /// More than anybody would record.
  private static let most = 1e8

  /// How many times as much data would draw the bound of the interval that lies beyond the budget back to it: a
  /// width falls with the root of the data. 1 where neither does.
  private static func factor(_ interval: PairedBootstrap, _ budget: Double) -> Double {
    let distance = abs(budget - interval.difference)
    let width =
      interval.difference > budget
      ? interval.difference - interval.lower : interval.upper - interval.difference
    let ratio = width / distance
    return width <= distance ? 1 : ratio * ratio
  }

  package var line: String {
    let limit = "budget of \(decimals(100 * budget, 1)) points"
    switch outcome {
    case .kept: return "forgetting keeps the \(limit)"
    case .exceeded: return "forgetting exceeds the \(limit)"
    case .unresolved:
      return "whether forgetting keeps the \(limit) cannot be told"
        + (missing.map { ": about \($0.text) would tell" } ?? "")
    }
  }
}
