import AcousticFeatures
import Basics
import CTC
import Foundation
import TensorEngine

/// What a network makes of some audio, as far as that can be judged without a text: against what it made of it
/// before, it tells a network that learns from one that collapses.
struct OutputMeasure: Sendable {
  /// How far a network may go from what it was.
  struct Limits {
    /// Fall of its agreement with itself.
    var agreementLoss: Double
    /// Change of the number of labels: a ratio, or its inverse.
    var rateRatio: Double
    /// Change of the share of blanks.
    var blankChange: Double
    /// Mean divergence of its posteriors from those before, in nats a frame.
    var divergence: Double
  }

  private struct Stretch {
    let frames: Int
    /// [frames, labels]
    let logPosteriors: [Float]
  }

  private(set) var labels = 0
  private var frames = 0
  private var blanks = 0
  private var agreed = 0.0
  private var agreedOf = 0.0
  /// What is compared frame by frame, by number.
  private var stretches: [Int: Stretch] = [:]

  /// How much of the hypotheses perturbed hearings share, 0 … 1.
  var agreement: Double { agreed / max(agreedOf, 1e-9) }
  var blankShare: Double { Double(blanks) / Double(max(1, frames)) }

  /// Adds what was heard in a stretch of audio.
  mutating func add(_ heard: [DecodedLabel], frames: Int) {
    self.frames += frames
    labels += heard.count
    blanks += frames - heard.reduce(0) { $0 + $1.endFrame - $1.startFrame }
  }

  /// Keeps the posteriors of a stretch, to compare frame by frame.
  ///
  /// - Parameters:
  ///   - logits: [output rows, labels]
  ///   - rows: those of the stretch.
  mutating func keep(_ logits: Tensor, rows: Range<Int>, as stretch: Int) {
    let size = logits.columns
    let all = logits.softmax(logarithm: true).values
    stretches[stretch] = Stretch(
      frames: rows.count,
      logPosteriors: Array(all[rows.lowerBound * size..<rows.upperBound * size]))
  }

  /// Adds how far two hearings agree, counting by a weight.
  mutating func add(agreement: Double, weight: Double) {
    agreed += agreement * weight
    agreedOf += weight
  }

  /// Why the network is not to be trusted any more; nil where nothing speaks against it.
  ///
  /// - Parameter before: of the same audio.
  func objection(since before: OutputMeasure, _ limits: Limits) -> String? {
    let loss = before.agreement - agreement
    if loss > limits.agreementLoss { return "it agrees less with itself, by \(percent(loss))" }
    let ratio = Double(max(1, labels)) / Double(max(1, before.labels))
    if ratio > limits.rateRatio || ratio < 1 / limits.rateRatio {
      return "it hears \(decimals(ratio, 2)) times as many labels"
    }
    let blanks = blankShare - before.blankShare
    if abs(blanks) > limits.blankChange {
      return "its share of blanks changed by \(percent(blanks))"
    }
    let divergence = divergence(from: before)
    guard divergence <= limits.divergence else {
      return "its posteriors are \(decimals(divergence, 2)) nats a frame from what they were"
    }
    return nil
  }

  /// Σ p · ln(p/q) over labels, of the posteriors p before and q now: the mean over frames, in nats.
  func divergence(from before: OutputMeasure) -> Double {
    var (sum, frames) = (0.0, 0)
    for (number, old) in before.stretches.sorted(by: { $0.key < $1.key }) {
      guard let new = stretches[number], new.frames == old.frames else { continue }
      frames += old.frames
      for (log, other) in zip(old.logPosteriors, new.logPosteriors) where !(log < -30) {
        sum += exp(Double(log)) * (Double(log) - Double(other))
      }
    }
    return sum / Double(max(1, frames))
  }
}

extension Features {
  /// The features with a little hidden: a network that knows what is said hears it still.
  ///
  /// - Parameters:
  ///   - bins: the most of them that are hidden, as a share.
  ///   - time: the most that each of two masks hides, as a share.
  func perturbed(bins: Double, time: Double, _ random: inout SeededRandom) -> Features {
    var masks = SpecAugment()
    // Of samples the one bin is all there is.
    masks.frequencyMasks = self.bins > 1 ? 1 : 0
    masks.frequencyWidthBins = min(
      masks.frequencyWidthBins, Int((bins * Double(self.bins)).rounded()))
    (masks.timeMasks, masks.timeWidthFraction) = (2, time)
    var features = self
    masks.apply(to: &features, random: &random)
    return features
  }
}
