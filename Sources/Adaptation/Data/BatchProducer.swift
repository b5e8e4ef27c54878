package import AcousticFeatures
import Basics
import Foundation

/// What of an utterance enters the network: its features, or what its frozen part gave for them before.
package enum TrainingInput: Sendable {
  case features(Features)
  case states(HiddenStates)
}

/// One batch, ready for the network.
package struct TrainingBatch: Sendable {
  package let epoch: Int
  /// Its place in the epoch.
  package let index: Int
  /// How many the epoch has.
  package let count: Int
  package let view: Int
  package let items: [Int]
  package let inputs: [TrainingInput]
  /// Recordings of this batch that failed, by index, with the reason.
  package let failures: [Int: String]

  /// Of all inputs that are features.
  package var features: [Features] {
    inputs.compactMap { if case .features(let features) = $0 { features } else { nil } }
  }
}

/// Makes batches ahead of the training step, on a thread of its own.
///
/// It never enters the numeric thread pool; the order and every random draw follow from seed and epoch.
package final class BatchProducer: @unchecked Sendable {
  // `ready` and `stopped` are touched under `condition`'s lock only; the rest is immutable.
  private let condition = NSCondition()
  private var ready: [TrainingBatch] = []
  private var stopped = false
  private let corpus: TrainingCorpus
  private let settings: TrainingSettings
  private let states: FrozenStates?
  private static let depth = 6

  /// - Parameters:
  ///   - epoch: the first epoch to make.
  ///   - batch: the first batch of it.
  ///   - states: where features need not be computed any more.
  package init(
    _ corpus: TrainingCorpus, _ settings: TrainingSettings, epoch: Int, batch: Int,
    states: FrozenStates? = nil
  ) {
    self.states = states
    self.corpus = corpus
    self.settings = settings
    let thread = Thread { [weak self] in
      // The system takes fifteen letters; without a name of its own it would have the engine's.
      Thread.current.name = "idiolect-feeder"
      var (epoch, first) = (epoch, batch)
      while let self, !self.isStopped {
        let plan = BatchProducer.plan(self.corpus, self.settings, epoch: epoch)
        for index in first..<max(first, plan.batches.count) {
          guard self.deliver(self.make(plan, epoch: epoch, index: index)) else { return }
        }
        (epoch, first) = (epoch + 1, 0)
      }
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  package static func plan(_ corpus: TrainingCorpus, _ settings: TrainingSettings, epoch: Int)
    -> BatchPlan
  {
    if let task = settings.task {
      return BatchPlan(
        tasks: corpus.tasks(task), updates: Reptile.updates, seconds: corpus.items.map(\.seconds),
        batchSeconds: settings.batchSeconds, speeds: settings.speeds, seed: settings.seed,
        epoch: epoch)
    }
    let mixture =
      corpus.mixesFrom == corpus.items.count
      ? nil
      : BatchPlan.Mixture(
        first: corpus.mixesFrom,
        share: settings.replayShare ?? settings.leadShare(epoch: epoch),
        keepsOthers: settings.replayShare != nil)
    return BatchPlan(
      seconds: corpus.items.map(\.seconds), mixture: mixture,
      batchSeconds: settings.batchSeconds,
      speeds: settings.speeds, seed: settings.seed, epoch: epoch,
      view: settings.views.map { epoch % $0 })
  }

  /// The next batch; waits for it.
  package func next() -> TrainingBatch {
    condition.lock()
    defer { condition.unlock() }
    while ready.isEmpty { condition.wait() }
    let batch = ready.removeFirst()
    condition.broadcast()
    return batch
  }

  package func stop() {
    condition.lock()
    stopped = true
    condition.broadcast()
    condition.unlock()
  }

  private var isStopped: Bool {
    condition.lock()
    defer { condition.unlock() }
    return stopped
  }

  private func deliver(_ batch: TrainingBatch) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    while ready.count >= BatchProducer.depth && !stopped { condition.wait() }
    ready.append(batch)
    condition.broadcast()
    return !stopped
  }

  private func make(_ plan: BatchPlan, epoch: Int, index: Int) -> TrainingBatch {
    let view = settings.views.map { epoch % $0 } ?? epoch
    var items: [Int] = []
    var inputs: [TrainingInput] = []
    var failures: [Int: String] = [:]
    for draw in plan.batches[index] {
      if let states = states?.read(item: draw.item, view: view) {
        items.append(draw.item)
        inputs.append(.states(states))
        continue
      }
      // A fixed view is one, however often it comes: what is kept of it is not asked which copy made it.
      let copy = settings.views == nil ? draw.copy : 0
      let augmentation = settings.augmentation.map {
        ($0, SeededRandom(seed: settings.seed, 0xA06, view, draw.item, copy))
      }
      guard
        var made = corpus.features(draw.item, speed: draw.speed, augmentation: augmentation)
      else {
        failures[draw.item] = corpus.failures[draw.item]
        continue
      }
      if let specAugment = settings.specAugment, !corpus.networkMasks {
        var random =
          copy == 0
          ? SeededRandom(seed: settings.seed, 0x5BEC, view, draw.item)
          : SeededRandom(seed: settings.seed, 0x5BEC, view, draw.item, copy)
        specAugment.apply(to: &made, random: &random)
      }
      items.append(draw.item)
      inputs.append(.features(made))
    }
    return TrainingBatch(
      epoch: epoch, index: index, count: plan.batches.count, view: view, items: items,
      inputs: inputs, failures: failures)
  }
}
