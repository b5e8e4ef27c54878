import Foundation
package import SpeechText

/// What an adaptation cost on retained data, against a budget.
package struct Forgetting: Sendable {
  package enum Outcome: String, Sendable, Codable {
    case kept, exceeded
    /// The intervals are too wide to tell.
    case unresolved
  }

  package let outcome: Outcome
  /// Absolute, for the WER as for the CER.
  package let budget: Double
  /// About how many more words of retained data would make the interval narrow enough; 0 where it is.
  package let missingWords: Int

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
    // The width falls with the root of the data.
    let width = both.map { ($0.upper - $0.lower) / 2 }.max() ?? 0
    let ratio = budget > 0 ? width / budget : 0
    missingWords =
      outcome == .unresolved && ratio > 1
      ? Int((Double(wordCount) * (ratio * ratio - 1) / 100).rounded(.up)) * 100 : 0
  }

  package var line: String {
    let limit = "budget of \(decimals(100 * budget, 1)) points"
    switch outcome {
    case .kept: return "forgetting keeps the \(limit)"
    case .exceeded: return "forgetting exceeds the \(limit)"
    case .unresolved:
      return "whether forgetting keeps the \(limit) cannot be told"
        + (missingWords > 0 ? ": about \(missingWords) words more of retained data would tell" : "")
    }
  }
}
