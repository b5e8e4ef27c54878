import Basics
package import TensorEngine

/// The weights between the base's and the adapted ones, base + α · (adapted − base): they often keep most of
/// the gain and forget less (Wortsman et al. 2022).
package struct Interpolation: Sendable {
  /// What one mixture does on the data that chooses.
  package struct Point: Sendable {
    /// α
    package let share: Double
    package let target: DevScore
    /// nil where nothing retained chooses.
    package let retained: DevScore?

    package init(share: Double, target: DevScore, retained: DevScore?) {
      (self.share, self.target, self.retained) = (share, target, retained)
    }
  }

  /// Falling α, the base last.
  package let points: [Point]
  /// The α to ship: of the mixtures that keep the budget, the one with the lowest CER on the target.
  package let chosen: Double
  /// What training gave, as it is, on the data that judges; nil where that is what was chosen.
  package var uninterpolated: ModelScores?

  package static let shares = [1, 0.75, 0.5, 0.25, 0]

  /// - Parameters:
  ///   - budget: the rise of the WER and of the CER on retained data that is allowed, absolute.
  ///   - points: one of α = 0 among them.
  package init(budget: Double, points: [Point]) {
    self.points = points
    let base = points.first { $0.share == 0 }?.retained
    let within = points.filter { point in
      guard let base, let retained = point.retained, point.share > 0 else { return true }
      return retained.characterErrorRate - base.characterErrorRate <= budget
        && retained.wordErrorRate - base.wordErrorRate <= budget
    }
    // Of equals the one nearest to what was trained; the base only where everything else is worse.
    chosen =
      within.min {
        ($0.target.characterErrorRate, -$0.share) < ($1.target.characterErrorRate, -$1.share)
      }?.share ?? 0
  }

  /// Puts a mixture into the network.
  ///
  /// - Parameters:
  ///   - base, adapted: values of each parameter, statistics too; one and the same tensor where nothing moved.
  package static func apply(
    _ share: Double, base: [Tensor], adapted: [Tensor], to parameters: [Parameter]
  ) {
    let factor = Float(share)
    for (index, parameter) in parameters.enumerated() where base[index] !== adapted[index] {
      let (old, new, mixed) = (
        base[index].pointer, adapted[index].pointer, parameter.tensor.pointer
      )
      for place in 0..<base[index].count {
        // Exactly either end's bits at the ends.
        mixed[place] =
          share == 1
          ? new[place]
          : share == 0 ? old[place] : old[place] + factor * (new[place] - old[place])
      }
      parameter.tensor.didChange()
    }
  }

  /// A line for the person who waits.
  package var summary: String {
    let scores = points.map { point in
      "\(decimals(point.share, 2)): \(percent(point.target.characterErrorRate))"
        + (point.retained.map {
          " (retained \(percent($0.characterErrorRate)), WER \(percent($0.wordErrorRate)))"
        } ?? "")
    }
    return "weights between base (0) and adapted (1), dev CER \(scores.joined(separator: ", ")); "
      + (chosen == 1
        ? "the adapted ones are kept" : "\(decimals(chosen, 2)) of the change is kept")
  }
}
