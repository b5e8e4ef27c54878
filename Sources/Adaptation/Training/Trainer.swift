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
  package internal(set) var state = TrainingState()
  let model: AcousticModel
  private let parameters: [Parameter]
  let optimiser: AdamW
  let corpus: TrainingCorpus
  let settings: TrainingSettings
  let frozen: FrozenPart?
  /// What is looked at in place of the weights where the settings ask for it; only kept beside them otherwise.
  let average: WeightAverage?
  let reptile: Reptile?
  let teacher: Teacher?
  private let files: TrainingDirectory
  let loss: CTCLoss
  private let watchdog: PlateauWatchdog
  /// Opened when training begins.
  private(set) var metrics: MetricsLog?
  /// Scores the network on the dev set as it stands; nil without one.
  let lookAtDev: (() throws -> DevScore)?
  /// What earlier stages of the run did.
  private let earlier: TrainingState
  let report: (String) -> Void

  /// - Parameters:
  ///   - parameters: all that is saved: trainable ones and statistics.
  ///   - groups: the trainable ones; every other parameter is frozen.
  ///   - importances: how strongly each element of these is held beside the pull of its group; nil for evenly.
  ///   - frozen: what `groups` leaves out at the bottom.
  ///   - teacher: what the network is held near, if anything.
  ///   - besides: an average of `parameters` to move along with them, where the settings have none.
  ///   - fingerprint: names settings and data; resuming with another is refused.
  ///   - earlier: what stages before this one did, which the course goes on from.
  ///   - report: takes a line for the person who waits.
  package init(
    model: AcousticModel, parameters: [Parameter], groups: [ParameterGroup],
    importances: [Tensor]? = nil,
    frozen: FrozenPart? = nil, teacher: Teacher? = nil, besides: WeightAverage? = nil,
    corpus: TrainingCorpus,
    settings: TrainingSettings,
    files: TrainingDirectory,
    fingerprint: String, after earlier: TrainingState = TrainingState(),
    lookAtDev: (() throws -> DevScore)?, report: @escaping (String) -> Void
  ) {
    self.model = model
    self.parameters = parameters
    self.corpus = corpus
    self.settings = settings
    self.frozen = frozen
    self.teacher = teacher
    self.files = files
    self.lookAtDev = lookAtDev
    self.earlier = earlier
    self.report = report
    optimiser = AdamW(groups, beta2: settings.beta2)
    if let importances { optimiser.hold(importances) }
    loss = CTCLoss(labels: model.vocabulary.count, blank: model.vocabulary.blank)
    watchdog = PlateauWatchdog(labels: model.vocabulary.count)
    average = settings.averageDecay.map { WeightAverage(parameters, decay: $0) } ?? besides
    reptile = settings.task.map { _ in Reptile(parameters) }
    for parameter in parameters { parameter.tensor.requiresGradient = false }
    beginLayers()
    for norm in model.network.batchNorms { norm.usesLiveStatistics = settings.liveStatistics }
    state.fingerprint = fingerprint
  }

  /// Continues from the last checkpoint; at the beginning where the run was stopped before its first.
  package func resume() throws {
    guard files.holdsCheckpoint else {
      return report("no checkpoint yet: training begins at the beginning")
    }
    state = try TrainingCheckpoint.read(
      from: files.last, into: parameters, optimiser, moving, fingerprint: state.fingerprint)
    corpus.leaveOut(state.failures)
    // Not after hours of training that end with these weights.
    guard
      state.best == nil
        || TrainingCheckpoint.look(in: files.best, fingerprint: state.fingerprint) != nil
    else {
      throw IdiolectError(
        .invalidData,
        "\(files.best): missing or damaged, and it holds the best weights so far; remove \(files.path) to start over"
      )
    }
    // Killed between the two files, a run leaves the best weights newer than its state. They are what
    // they are: a run by the clock would never come by that look again.
    if var look = TrainingCheckpoint.look(in: files.best, fingerprint: state.fingerprint),
      look.step > state.best?.step ?? -1
    {
      look.seconds = state.seconds
      state.best = look
    }
    report("going on after step \(state.step)")
  }

  /// Trains to the end, then puts the best weights into the network.
  ///
  /// - Throws: `.inputOutput` when a checkpoint cannot be written; `.invalidData` when nothing can be
  ///   trained on, or the loss is no number from the start.
  package func run() throws {
    if !state.finished {
      metrics = MetricsLog(
        directory: files.log, resumingAfter: earlier.step + state.step, report: report)
    }
    if state.looks.isEmpty && lookAtDev != nil && !settings.liveStatistics {
      try look(started: now())
    }
    if !state.finished { try Interruption.watching(train) }
    if state.best != nil { try TrainingCheckpoint.readWeights(files.best, into: parameters) }
  }

  private func train() throws {
    guard !corpus.items.isEmpty else {
      throw IdiolectError(.invalidData, "nothing to train on: no utterance is usable")
    }
    let producer = BatchProducer(
      corpus, settings, epoch: state.epoch, batch: state.batch, states: frozen?.states)
    defer { producer.stop() }
    var shown = Int(progress * 1000)
    let bar = ProgressBar("training", total: 1000 - shown, unit: "‰", lineSeconds: nil)
    defer { bar.finish() }
    var lastSave = now()
    var lastTick = lastSave
    while !state.finished {
      try step(producer)
      let time = now()
      state.seconds += time - lastTick
      lastTick = time
      let permille = Int(progress * 1000)
      bar.advance(by: max(0, permille - shown), label: status)
      shown = max(shown, permille)
      let isOver = progress >= 1
      let isTaskOver = state.step % Reptile.updates == 0
      if isTaskOver || isOver { reptile?.endTask(progress: progress) }
      let looksNow = isOver || (isTimeToLook && (reptile == nil || isTaskOver))
      if looksNow {
        bar.clear()
        try look(started: lastTick)
        lastTick = now()
        state.finished = isOver || (state.looksSinceBest >= settings.patience && !isTimed)
      }
      if state.brokenSteps >= Trainer.mostBrokenSteps { try giveUp() }
      let stops = Interruption.isRequested && !state.finished
      let isDue =
        settings.checkpointSteps > 0
        ? state.step % settings.checkpointSteps == 0 : now() - lastSave > 60
      if looksNow || state.finished || isDue || stops {
        try TrainingCheckpoint.write(state, parameters, optimiser, moving, to: files.last)
        metrics?.flush()
        lastSave = now()
      }
      if stops {
        throw IdiolectError(
          .interrupted,
          "stopped after step \(state.step), which is saved; the same command with --resume goes on"
        )
      }
    }
  }

  /// What a checkpoint holds beside weights and moments, by its name there.
  private var moving: (name: String, tensors: [Tensor])? {
    average.map { ("average", $0.averages) } ?? reptile.map { ("task", $0.origins) }
  }

  /// So many steps in a row without a finite loss, and no later one will have one.
  private static let mostBrokenSteps = 20

  private func giveUp() throws {
    guard let best = state.best else {
      throw IdiolectError(
        .invalidData,
        "step \(state.step): the loss is no longer a number; start over with a lower learning rate")
    }
    report(
      "step \(state.step): the loss is no longer a number, training ends; the weights of step \(best.step) are kept. Try a lower learning rate"
    )
    state.finished = true
  }

  var isTimed: Bool { settings.minutes != nil }

  /// The share of the training that is done, 0 … 1.
  var progress: Double {
    if let minutes = settings.minutes { return min(1, state.seconds / (minutes * 60)) }
    let part = Double(state.batch) / Double(max(1, state.batches))
    return min(1, (Double(state.epoch) + part) / Double(settings.epochs))
  }

  /// Adds to the course, in which earlier stages come first.
  func log(_ metric: Metric) {
    var metric = metric
    metric.step += earlier.step
    metric.epoch += earlier.epoch
    metric.seconds += earlier.seconds
    metrics?.add(metric)
  }

  private var isTimeToLook: Bool {
    settings.evaluationSteps > 0
      ? state.step % settings.evaluationSteps == 0
      : state.epoch > state.looks.last?.epoch ?? 0
  }

  private var status: String {
    let mean = state.lossSum / Double(max(1, state.lossCount))
    let dev = state.looks.last?.devCER.map { " dev CER \(percent($0))" } ?? ""
    return "epoch \(state.epoch + 1) loss \(decimals(mean, 3))\(dev)"
  }

  private func look(started: Double) throws {
    let looksAtAverage = settings.averageDecay != nil
    if looksAtAverage { average?.swap() }
    defer { if looksAtAverage { average?.swap() } }
    let score = try lookAtDev?()
    let mean = state.lossSum / Double(state.lossCount)
    var look = TrainingState.Look(
      step: state.step, epoch: state.epoch, seconds: state.seconds, loss: mean.isFinite ? mean : -1)
    look.devCER = score?.characterErrorRate
    look.devWER = score?.wordErrorRate
    if state.frames > 0 { look.blankShare = Double(state.blankFrames) / Double(state.frames) }
    (state.lossSum, state.lossCount) = (0, 0)
    (state.frames, state.blankFrames) = (0, 0)
    state.looks.append(look)
    log(
      Metric(
        step: look.step, epoch: look.epoch, seconds: look.seconds, devCER: look.devCER,
        devWER: look.devWER))
    // The same step again, after an interruption, is the best still.
    let isBest =
      look.devCER.map {
        $0 < state.best?.devCER ?? .infinity
          || ($0 == state.best?.devCER && look.step == state.best?.step)
      } ?? true
    if isBest {
      try TrainingCheckpoint.writeBest(
        parameters, look, fingerprint: state.fingerprint, to: files.best)
      state.best = look
      state.looksSinceBest = 0
    } else {
      state.looksSinceBest += 1
    }
    state.seconds += now() - started
    var line = "step \(state.step)"
    if look.loss >= 0 { line += ", loss \(decimals(look.loss, 3))" }
    if let score, score.characterErrorRate.isFinite {
      line += ", dev CER \(percent(score.characterErrorRate)) WER \(percent(score.wordErrorRate))"
      line += isBest ? " (best)" : ""
    }
    line += ", \(ProgressBar.duration(state.seconds))"
    report(line)
    if let score, !score.example.isEmpty { report(score.example) }
    if let warning = watchdog.judge(state, isOver: progress >= 1) { report(warning) }
  }
}

private func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
