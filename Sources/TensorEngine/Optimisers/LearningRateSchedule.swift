import Foundation

/// The learning rate of each update: linear warm-up to a peak, then a decay.
///
///     let schedule = LearningRateSchedule(.cosine, peak: 1e-4, warmupSteps: 100, totalSteps: 2000)
///     let rate = schedule.value(step: 1)    // 1e-6
///
/// A pure function of the step, so a run that resumes goes on with the same rates.
public struct LearningRateSchedule: Codable, Hashable, Sendable {
  public enum Decay: String, Codable, Sendable, CaseIterable {
    /// Stays at the peak.
    case constant
    /// Falls in a straight line to `final` at `totalSteps`.
    case linear
    /// Falls in half a cosine wave to `final` at `totalSteps` (Loshchilov and Hutter 2017).
    case cosine
    /// Falls with the inverse square root of the step, not below `final` (Vaswani et al. 2017).
    case noam
  }

  public var decay: Decay
  /// The highest rate, at the end of the warm-up.
  public var peak: Double
  /// Updates until the peak; 0 begins there.
  public var warmupSteps: Int
  /// Updates until `final`; without meaning for `constant` and `noam`.
  public var totalSteps: Int
  /// The lowest rate after the warm-up.
  public var final: Double

  public init(
    _ decay: Decay = .cosine, peak: Double, warmupSteps: Int = 0, totalSteps: Int,
    final: Double = 0
  ) {
    self.decay = decay
    self.peak = peak
    self.warmupSteps = warmupSteps
    self.totalSteps = totalSteps
    self.final = final
  }

  /// Noam's schedule as its authors state it: factor · modelSize^-½ · min(step^-½, step · warmupSteps^-1½).
  public static func noam(
    factor: Double, modelSize: Int, warmupSteps: Int, final: Double = 0
  ) -> LearningRateSchedule {
    let peak = factor / (Double(max(1, modelSize)) * Double(max(1, warmupSteps))).squareRoot()
    return LearningRateSchedule(
      .noam, peak: peak, warmupSteps: warmupSteps, totalSteps: 0, final: final)
  }

  /// The rate of update number `step`, counted from 1. Step 0, before any, continues the line downwards.
  public func value(step: Int) -> Double {
    let step = Double(max(0, step))
    let warmup = Double(max(0, warmupSteps))
    if step < warmup { return peak * step / warmup }
    switch decay {
    case .constant: return peak
    case .linear: return final + (peak - final) * (1 - progress(step, warmup))
    case .cosine: return final + (peak - final) * (1 + cos(.pi * progress(step, warmup))) / 2
    case .noam: return max(final, peak * (max(1, warmup) / max(1, step)).squareRoot())
    }
  }

  /// How much of the decay is over, in [0, 1].
  private func progress(_ step: Double, _ warmup: Double) -> Double {
    min(1, (step - warmup) / max(1, Double(totalSteps) - warmup))
  }
}
