public import AcousticFeatures
public import AudioIO
import Foundation
public import TensorEngine

/// How a network is trained; a run that resumes must have the same.
public struct TrainingSettings: Sendable, Codable, Hashable {
  /// The highest learning rate.
  public var learningRate = 3e-4
  public var decay = LearningRateSchedule.Decay.cosine
  /// The share of training in which the learning rate rises from 0.
  public var warmupShare = 0.1
  public var weightDecay = 1e-3
  public var beta2 = 0.98
  /// Gradients longer than this are scaled down to it.
  public var gradientClip = 1.0
  /// Each layer below the output layer learns at this factor of the rate of the one above it.
  public var layerDecay = 1.0
  /// Seconds of audio in a batch, padding included.
  public var batchSeconds = 60.0
  /// Batches whose gradients make one update.
  public var accumulation = 1
  /// Passes over the data; the limit unless `minutes` is given.
  public var epochs = 30
  /// Wall time that training may take, evaluation included; the schedule follows the clock then.
  public var minutes: Double?
  /// Updates between two looks at the dev set; 0 for once an epoch.
  public var evaluationSteps = 0
  /// Looks without a better dev CER before training stops; a run bounded by `minutes` uses them all.
  public var patience = 10
  /// Resampling factors of which each utterance draws one every epoch; empty for none.
  public var speeds = [0.9, 1.0, 1.1]
  public var specAugment: SpecAugment? = SpecAugment()
  /// Rooms, noises and telephones, drawn anew every epoch; nil for recordings as they are.
  public var augmentation: AudioAugmentation?
  /// The share of an epoch's audio that the leading utterances make up in the end.
  public var leadShare = 0.6
  /// The share of training after which they make it up; it rises there from half as long on.
  public var leadFrom = 2.0 / 3
  /// The share of every epoch's audio that replayed utterances make up, beside all of the target's.
  public var replayShare: Double?
  /// How strongly each update draws the weights back to where they began, as weight decay draws them to 0
  /// (L2-SP, Li et al. 2018).
  public var pullToStart: Double?
  /// How strongly weights that mattered on the replayed data are held where they began (EWC, Kirkpatrick et
  /// al. 2017).
  public var consolidation: Double?
  /// What the distance of the network's posteriors from the base's counts beside the CTC loss, per frame (Li
  /// and Hoiem 2016).
  public var distillation: Double?
  /// How much of a moving average of the weights each update keeps, such as 0.999; the average is what is
  /// looked at and kept then. nil for the weights themselves.
  public var averageDecay: Double?
  /// What makes a task where weights are sought from which a few updates lead far; nil for weights that are best
  /// as they are.
  public var task: Reptile.Task?
  /// How many augmented views an utterance has, one an epoch in turn; nil for a new one every epoch.
  public var views: Int?
  /// Whether only what enters each layer is kept for the way back, and the rest computed again: for a third more time a
  /// fraction of the memory.
  public var recomputes = false
  /// Whether batch normalisation uses and updates live statistics: in training from scratch.
  public var liveStatistics = false
  public var precision = Precision.automatic
  public var seed: UInt64 = 1
  /// Updates between two checkpoints; 0 for one a minute. There is one after each look as well.
  public var checkpointSteps = 0
  /// Memory for features that need not be computed again, in bytes.
  public var featureCacheBytes = min(
    6 << 30, Int(clamping: ProcessInfo.processInfo.physicalMemory / 4))

  public init() {}

  /// What the leading utterances make up of an epoch; 0 for their natural share.
  func leadShare(epoch: Int) -> Double {
    let progress = Double(epoch) / Double(epochs)
    guard leadFrom > 0 else { return leadShare }
    return leadShare * min(1, max(0, 2 * progress / leadFrom - 1))
  }

  /// The learning rate after a share of the training, 0 … 1, of which `step` updates are done.
  func rate(progress: Double) -> Double {
    // A schedule of ten thousand ticks serves runs bounded by steps and by the clock alike.
    let ticks = 10_000
    let schedule = LearningRateSchedule(
      decay, peak: learningRate, warmupSteps: Int(warmupShare * Double(ticks)), totalSteps: ticks,
      final: learningRate * 0.01)
    return schedule.value(step: max(1, Int(progress * Double(ticks))))
  }
}
