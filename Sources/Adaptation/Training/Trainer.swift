package import AcousticModels
import Basics
import CTC
import Dispatch
import SpeechCorpus
import SpeechText
package import TensorEngine

/// Trains a network's trainable parameters on a corpus, looks at a dev set now and then, and keeps the
/// best weights.
///
/// After any interruption it goes on from its last checkpoint; runs bounded by epochs then give the bits
/// of one that never stopped.
package final class Trainer {
  /// What a look at the dev set found.
  package struct DevScore: Sendable {
    package var characterErrorRate: Double
    package var wordErrorRate: Double
    /// A line to show: hypothesis against reference.
    package var example: String

    package init(characterErrorRate: Double, wordErrorRate: Double, example: String) {
      self.characterErrorRate = characterErrorRate
      self.wordErrorRate = wordErrorRate
      self.example = example
    }
  }

  /// Where checkpoints lie.
  package struct Files: Sendable {
    package let directory: String
    package init(directory: String) { self.directory = directory }
    package var last: String { "\(directory)/last.safetensors" }
    package var best: String { "\(directory)/best.safetensors" }
  }

  package private(set) var state = TrainingState()
  /// Utterances whose transcript has no path through their frames, by name; excluded from the loss.
  package private(set) var infeasible: Set<String> = []
  private let model: AcousticModel
  private let parameters: [Parameter]
  private let optimiser: AdamW
  private let corpus: TrainingCorpus
  private let settings: TrainingSettings
  private let files: Files
  private let loss: CTCLoss
  private let watchdog: PlateauWatchdog
  /// Scores the network on the dev set as it stands; nil without one.
  private let lookAtDev: (() throws -> DevScore)?
  private let report: (String) -> Void

  /// - Parameters:
  ///   - parameters: all that is saved: trainable ones and statistics.
  ///   - groups: the trainable ones; every other parameter is frozen.
  ///   - fingerprint: names settings and data; resuming with another is refused.
  ///   - report: takes a line for the person who waits.
  package init(
    model: AcousticModel, parameters: [Parameter], groups: [ParameterGroup],
    corpus: TrainingCorpus, settings: TrainingSettings, files: Files, fingerprint: String,
    lookAtDev: (() throws -> DevScore)?, report: @escaping (String) -> Void
  ) {
    self.model = model
    self.parameters = parameters
    self.corpus = corpus
    self.settings = settings
    self.files = files
    self.lookAtDev = lookAtDev
    self.report = report
    optimiser = AdamW(groups, beta2: settings.beta2)
    loss = CTCLoss(labels: model.vocabulary.count, blank: model.vocabulary.blank)
    watchdog = PlateauWatchdog(labels: model.vocabulary.count)
    for parameter in parameters { parameter.tensor.requiresGradient = false }
    for slot in optimiser.slots { slot.parameter.tensor.requiresGradient = true }
    for block in model.network.blocks {
      block.batchNorm.usesLiveStatistics = settings.liveStatistics
    }
    state.fingerprint = fingerprint
  }

  /// Continues from the last checkpoint.
  package func resume() throws {
    state = try TrainingCheckpoint.read(
      from: files.last, into: parameters, optimiser, fingerprint: state.fingerprint)
  }

  /// Trains to the end, then puts the best weights into the network.
  ///
  /// - Throws: `.inputOutput` when a checkpoint cannot be written; `.invalidData` when nothing can be
  ///   trained on.
  package func run() throws {
    try AtomicFile.makeDirectory(files.directory)
    if state.step == 0 && state.looks.isEmpty && lookAtDev != nil && !settings.liveStatistics {
      try look(trainingLoss: .nan, started: now())
    }
    let updatesPerEpoch = BatchProducer.plan(corpus, settings, epoch: 0).batches.count
    guard updatesPerEpoch > 0 else {
      throw IdiolectError(.invalidData, "nothing to train on: no utterance is usable")
    }
    let producer = BatchProducer(corpus, settings, epoch: state.epoch, batch: state.batch)
    defer { producer.stop() }
    let bar = ProgressBar("training", total: 1000, unit: "‰", lineSeconds: nil)
    defer { bar.finish() }
    var lastSave = now()
    var lastTick = lastSave
    var shown = 0
    while !state.finished {
      try step(producer, updatesPerEpoch: updatesPerEpoch)
      let time = now()
      state.seconds += time - lastTick
      lastTick = time
      let permille = min(1000, Int(progress(updatesPerEpoch) * 1000))
      if permille > shown {
        bar.advance(by: permille - shown, label: status)
        shown = permille
      }
      let isOver = progress(updatesPerEpoch) >= 1
      if isOver || isTimeToLook {
        bar.clear()
        try look(trainingLoss: state.lossSum / Double(max(1, state.lossCount)), started: lastTick)
        lastTick = now()
        state.lossSum = 0
        state.lossCount = 0
        state.finished = isOver || (state.looksSinceBest >= settings.patience && !isTimed)
      }
      if state.finished || now() - lastSave > 60 || settings.checkpointsEveryStep {
        try TrainingCheckpoint.write(state, parameters, optimiser, to: files.last)
        lastSave = now()
      }
    }
    if state.best != nil { try TrainingCheckpoint.readWeights(files.best, into: parameters) }
  }

  private var isTimed: Bool { settings.minutes != nil }

  private func progress(_ batchesPerEpoch: Int) -> Double {
    if let minutes = settings.minutes { return state.seconds / (minutes * 60) }
    // Epochs differ by a batch or two; only a whole one counts as whole.
    let share = min(0.999, Double(state.batch) / Double(max(1, batchesPerEpoch)))
    return (Double(state.epoch) + share) / Double(settings.epochs)
  }

  private var isTimeToLook: Bool {
    settings.evaluationSteps > 0
      ? state.step % settings.evaluationSteps == 0 && state.step != state.looks.last?.step
      : state.batch == 0 && state.step != state.looks.last?.step
  }

  private var status: String {
    let mean = state.lossSum / Double(max(1, state.lossCount))
    let dev = state.looks.last?.devCER.map { " dev CER \(percent($0))" } ?? ""
    return "epoch \(state.epoch + 1) loss \(decimals(mean, 3))\(dev)"
  }

  /// One update.
  private func step(_ producer: BatchProducer, updatesPerEpoch: Int) throws {
    let rate = settings.rate(progress: min(1, progress(updatesPerEpoch)))
    var labels = 0
    for _ in 0..<max(1, settings.accumulation) {
      let batch = producer.next()
      labels += try accumulate(batch)
      (state.epoch, state.batch) =
        batch.isLastOfEpoch ? (batch.epoch + 1, 0) : (batch.epoch, batch.index + 1)
    }
    state.step += 1
    guard labels > 0 else {
      optimiser.dropGradients()
      return
    }
    let norm = optimiser.gradientNorm() / Double(labels)
    guard norm.isFinite else {
      // One broken batch must not poison the weights; the moments stay as they are.
      optimiser.dropGradients()
      report("step \(state.step): the gradient is not finite, this update is left out")
      return
    }
    let clip = norm > settings.gradientClip ? settings.gradientClip / norm : 1
    optimiser.update(rate: rate, gradientFactor: clip / Double(labels))
  }

  /// Adds a batch's gradients; returns the labels it was worth.
  private func accumulate(_ batch: TrainingBatch) throws -> Int {
    guard !batch.items.isEmpty else { return 0 }
    let tape = Tape()
    let seed = SeededRandom(seed: settings.seed, 0xD4A3, batch.epoch, batch.index).state
    let pass = Pass(training: true, precision: settings.precision, seed: seed)
    let (value, result) = try tape.recording {
      let (logits, segments) = model.network(FeatureBatch(batch.features), pass)
      let utterances = batch.items.enumerated().map { index, item in
        CTCUtterance(
          name: corpus.items[item].utterance.id,
          segment: PackedSegment(
            firstRow: segments.range(index).lowerBound, rows: segments.range(index).count,
            frames: segments.validRange(index).count),
          target: corpus.items[item].target)
      }
      return try loss.onTape(logits: logits, utterances: utterances, policy: .exclude)
    }
    for excluded in result.excluded { infeasible.insert(excluded.name) }
    var labels = 0
    for (item, loss) in zip(batch.items, result.losses) where loss != nil {
      labels += max(1, corpus.items[item].target.count)
    }
    guard labels > 0 else { return 0 }
    tape.backward(from: value)
    state.lossSum += result.weightedLoss
    state.lossCount += labels
    state.audioSeconds += batch.items.reduce(0) { $0 + corpus.items[$1].seconds }
    return labels
  }

  private func look(trainingLoss: Double, started: Double) throws {
    let score = try lookAtDev?()
    var look = TrainingState.Look(
      step: state.step, epoch: state.epoch, seconds: state.seconds, loss: trainingLoss)
    if !look.loss.isFinite { look.loss = -1 }
    look.devCER = score?.characterErrorRate
    look.devWER = score?.wordErrorRate
    state.looks.append(look)
    let isBest = look.devCER.map { $0 < state.best?.devCER ?? .infinity } ?? true
    if isBest {
      try TrainingCheckpoint.writeWeights(parameters, to: files.best)
      state.best = look
      state.looksSinceBest = 0
    } else {
      state.looksSinceBest += 1
    }
    state.seconds += isTimed ? now() - started : 0
    var line = "step \(state.step)"
    if look.loss >= 0 { line += ", loss \(decimals(look.loss, 3))" }
    if let score {
      line += ", dev CER \(percent(score.characterErrorRate)) WER \(percent(score.wordErrorRate))"
      line += isBest ? " (best)" : ""
    }
    line += ", \(ProgressBar.duration(state.seconds))"
    report(line)
    if let score, !score.example.isEmpty { report(score.example) }
    if let warning = watchdog.judge(state) { report(warning) }
  }
}

private func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
