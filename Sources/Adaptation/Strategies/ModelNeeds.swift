import AcousticFeatures
package import AcousticModels
import Basics
import CTC
import SpeechText
package import TensorEngine

/// The memory that a process takes for a model, told from a short pass over silence; features that are kept come on
/// top.
package struct ModelNeeds {
  package struct Training {
    package let strategy: Strategy
    /// Parameters that change.
    package let trained: Int
    /// Bytes, for batches of `batchSeconds`.
    package let bytes: Int
    /// The same where activations are computed again on the way back.
    package let recomputingBytes: Int
  }

  /// Bytes, for windows of `windowSeconds`.
  package let transcribing: Int
  /// Of the strategies that suit the network.
  package let adapting: [Training]
  package static let windowSeconds = 30.0
  package static let batchSeconds = TrainingSettings().batchSeconds
  /// Of the pass that is measured.
  private static let seconds = 5.0

  /// On the engine thread. The model is of no use afterwards: it holds updates of every kind.
  ///
  /// - Throws: what a pass throws.
  package init(_ model: AcousticModel, precision: Precision) throws {
    let count = model.frontEnd.frameCount(
      samples: Int(ModelNeeds.seconds * Double(model.frontEnd.sampleRate)))
    let bins = model.frontEnd.bins
    let batch = FeatureBatch([
      Features(
        frames: count.total, bins: bins, validFrames: count.valid,
        values: [Float](repeating: 0, count: count.total * bins))
    ])
    let weights = model.parameters.reduce(0) { $0 + 4 * $1.tensor.count }

    let silent = Pass(training: false, precision: precision)
    // The first pass keeps what later ones have at hand, such as weights in 16 bits.
    _ = model.network(batch, silent)
    let beside = max(0, Storage.bytesInUse - weights)
    let forward = ModelNeeds.peak { _ = model.network(batch, silent) }
    let hearing =
      weights + beside + Int(Double(forward) * ModelNeeds.windowSeconds / ModelNeeds.seconds)
    transcribing = ModelNeeds.process(hearing)

    // What the way back needs. Gradients, which take its place one by one, are counted by what trains.
    let everything = try Strategy.full.apply(
      to: model, newLabels: false, layerDecay: 1, weightDecay: 0, seed: 1
    ).groups.flatMap(\.parameters)
    for parameter in everything { parameter.tensor.requiresGradient = true }
    func activations(recomputes: Bool) throws -> Int {
      let kept = try ModelNeeds.peak {
        let tape = Tape()
        let pass = Pass(training: true, precision: precision, seed: 1, recomputes: recomputes)
        _ = try tape.recording { try ModelNeeds.loss(model, batch, pass) }
      }
      // On the way back come gradients of activations, about as many as a pass holds at once.
      return Int(Double(kept + forward) * ModelNeeds.batchSeconds / ModelNeeds.seconds)
    }
    let (all, some) = (try activations(recomputes: false), try activations(recomputes: true))
    for parameter in everything { parameter.tensor.requiresGradient = false }
    // The base, what was trained and what was written of it, each with its weights in 16 bits.
    let judging = 2 * (weights + beside) + hearing

    let depth = model.network.layers.count
    let strategies: [Strategy] =
      [.full, .outputLayer] + (depth > 1 ? [.upper(layers: (depth + 1) / 2)] : [])
      + [.bias, .norm, .adapter(width: nil), .lhuc, .lora(rank: 8)]
    adapting = strategies.compactMap { strategy in
      guard let trained = try? ModelNeeds.trained(strategy, model), trained > 0 else { return nil }
      // The base beside it, and of what trains a gradient, two moments and an average each.
      let training = 2 * weights + beside + 16 * trained
      return Training(
        strategy: strategy, trained: trained,
        bytes: ModelNeeds.process(max(training + all, judging)),
        recomputingBytes: ModelNeeds.process(max(training + some, judging)))
    }
  }

  /// Of one utterance with a single label.
  private static func loss(
    _ model: AcousticModel, _ batch: FeatureBatch, _ pass: Pass
  ) throws -> Tensor {
    let (logits, segments) = model.network(batch, pass)
    let label = Int32(model.vocabulary.blank == 0 ? 1 : 0)
    return try CTCLoss(labels: model.vocabulary.count, blank: model.vocabulary.blank).onTape(
      logits: logits,
      utterances: [
        CTCUtterance(name: "silence", segment: PackedSegment(segments, 0), target: [label])
      ], policy: .exclude
    ).loss
  }

  /// With the program itself, and with the room that lies free between tensors of changing sizes.
  private static func process(_ tensors: Int) -> Int {
    tensors + min(tensors / 4, 128 << 20) + (40 << 20)
  }

  /// The most bytes that tensors take beside those there are.
  private static func peak(_ body: () throws -> Void) rethrows -> Int {
    let before = Storage.bytesInUse
    Storage.resetPeak()
    try body()
    return Storage.peakBytes - before
  }

  private static func trained(_ strategy: Strategy, _ model: AcousticModel) throws -> Int {
    guard !strategy.isAdapter else { return try model.adapterParameters(width: nil) }
    return try strategy.apply(
      to: model, newLabels: false, layerDecay: 1, weightDecay: 0, seed: 1
    ).groups.reduce(0) { $0 + $1.parameters.reduce(0) { $0 + $1.tensor.count } }
  }
}
