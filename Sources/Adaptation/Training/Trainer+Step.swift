import AcousticModels
import Basics
import CTC
import SpeechCorpus
import SpeechText
import TensorEngine

extension Trainer {
  /// One update: the gradients of one batch or several, clipped, and a step of the optimiser.
  func step(_ producer: BatchProducer) throws {
    let rate = settings.rate(progress: progress)
    let (lossBefore, labelsBefore) = (state.lossSum, state.lossCount)
    beginLayers()
    var labels = 0
    var isBroken = false
    for _ in 0..<max(1, settings.accumulation) where isTimed || state.epoch < settings.epochs {
      let batch = Profile.measure("wait for features") { producer.next() }
      // Only of batches that were trained on: those made ahead are made again after an interruption.
      state.failures.merge(batch.failures) { first, _ in first }
      let share = try accumulate(batch)
      labels += share.labels
      isBroken = isBroken || share.isBroken
      (state.epoch, state.batch) =
        batch.index + 1 == batch.count ? (batch.epoch + 1, 0) : (batch.epoch, batch.index + 1)
      state.batches = batch.count
    }
    state.step += 1
    guard labels > 0 else {
      optimiser.dropGradients()
      state.brokenSteps += isBroken ? 1 : 0
      guard state.failures.count < corpus.items.count else {
        throw IdiolectError(
          .invalidData,
          "step \(state.step): not one recording can be read any more; the first cause: \(state.failures.min { $0.key < $1.key }?.value ?? "unknown")"
        )
      }
      return
    }
    let norm = optimiser.gradientNorm() / Double(labels)
    guard norm.isFinite else {
      // One broken batch must not poison the weights; the moments stay as they are.
      optimiser.dropGradients()
      state.brokenSteps += 1
      report("step \(state.step): the gradient is not finite, this update is left out")
      return
    }
    state.brokenSteps = 0
    state.updates += 1
    let clip = norm > settings.gradientClip ? settings.gradientClip / norm : 1
    optimiser.update(rate: rate, gradientFactor: clip / Double(labels))
    average?.update(count: state.updates)
    log(
      Metric(
        step: state.step, epoch: state.epoch, seconds: state.seconds,
        loss: (state.lossSum - lossBefore) / Double(max(1, state.lossCount - labelsBefore)),
        learningRate: rate, gradientNorm: norm))
  }

  /// Without a dev set, what a batch says is all that tells whether the network says anything.
  private func countBlanks(_ logits: Tensor, _ segments: Segments) {
    let decoder = GreedyDecoder(labels: model.vocabulary.count, blank: model.vocabulary.blank)
    let places = (0..<segments.count).map { PackedSegment(segments, $0) }
    // What is not a number is counted as a broken step.
    guard
      let said = try? decoder(
        logits: UnsafeBufferPointer(start: logits.pointer, count: logits.count), segments: places)
    else { return }
    let frames = places.reduce(0) { $0 + $1.frames }
    state.frames += frames
    state.blankFrames += frames - said.joined().reduce(0) { $0 + $1.endFrame - $1.startFrame }
  }

  /// Gradients for what trains by now: backward goes no deeper than it must.
  func beginLayers() {
    for slot in optimiser.slots where !slot.parameter.tensor.requiresGradient {
      slot.parameter.tensor.requiresGradient = slot.start <= progress
    }
  }

  /// Adds a batch's gradients; how many labels it was worth, and whether the network's output was broken.
  private func accumulate(_ batch: TrainingBatch) throws -> (labels: Int, isBroken: Bool) {
    guard !batch.items.isEmpty else { return (0, false) }
    let tape = Tape()
    let seed = SeededRandom(seed: settings.seed, 0xD4A3, batch.epoch, batch.index).state
    let pass = Pass(
      training: true, precision: settings.precision, seed: seed, recomputes: settings.recomputes)
    let (value, result) = try tape.recording {
      let (logits, taught, segments) = logits(batch, pass)
      if lookAtDev == nil { countBlanks(logits, segments) }
      let utterances = batch.items.enumerated().map { index, item in
        CTCUtterance(
          name: corpus.items[item].utterance.id,
          segment: PackedSegment(segments, index),
          target: corpus.items[item].target)
      }
      let (value, result) = try loss.onTape(
        logits: logits, utterances: utterances, policy: .exclude)
      guard let teacher, let taught else { return (value, result) }
      let labels = batch.items.reduce(0) { $0 + max(1, corpus.items[$1].target.count) }
      return (
        value.adding(teacher.loss(logits, taught: taught, segments, labels: labels)), result
      )
    }
    var isBroken = false
    for excluded in result.excluded {
      if case .tooShort = excluded.reason {
        state.infeasible.insert(excluded.name)
      } else {
        isBroken = true
      }
    }
    var labels = 0
    for (item, loss) in zip(batch.items, result.losses) where loss != nil {
      labels += max(1, corpus.items[item].target.count)
    }
    guard labels > 0 else { return (0, isBroken) }
    tape.backward(from: value)
    state.lossSum += result.weightedLoss
    state.lossCount += labels
    state.audioSeconds += batch.items.reduce(0) { $0 + corpus.items[$1].seconds }
    return (labels, isBroken)
  }
}
