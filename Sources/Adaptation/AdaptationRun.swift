import AcousticModels
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import Transcription

/// One adaptation from base to verdict.
///
///     var request = AdaptationRequest(base: "Models/english-small", train: "me.jsonl", output: "mine")
///     let report = try AdaptationRun(request) { print($0) }.run()
public final class AdaptationRun {
  private let request: AdaptationRequest
  private let say: (String) -> Void

  /// - Parameter say: takes a line for the person who waits.
  public init(_ request: AdaptationRequest, say: @escaping (String) -> Void = { _ in }) {
    self.request = request
    self.say = say
  }

  /// - Throws: what reading the base and the manifests throws; `.invalidData` when nothing is usable;
  ///   `.inputOutput` when the output cannot be written.
  public func run() throws -> AdaptationReport {
    try onEngine { try runOnEngine() }
  }

  private var settings: TrainingSettings { request.settings }
  private var trainingDirectory: String { "\(request.output)/training" }

  private func runOnEngine() throws -> AdaptationReport {
    let base = try AcousticModel(directory: request.base)
    var data = try AdaptationData(
      train: request.train, dev: request.dev, retain: request.retain, test: request.test,
      seed: settings.seed)
    try AtomicFile.makeDirectory(trainingDirectory)
    data.notes.forEach(say)
    let (model, transfer) = try labels(base, data)
    let checked = preflight(&data, model)
    guard !data.train.isEmpty else {
      throw IdiolectError(
        .invalidData,
        "\(request.train): none of its utterances can be used; see \(trainingDirectory)/quarantine.jsonl"
      )
    }
    try data.quarantine.write(to: "\(trainingDirectory)/quarantine.jsonl")
    let (groups, saved) = try request.strategy.apply(
      to: model, newLabels: transfer != nil, layerDecay: settings.layerDecay,
      weightDecay: settings.weightDecay, seed: settings.seed)
    let trainable = groups.flatMap(\.parameters).reduce(0) { $0 + $1.tensor.count }
    say(
      "strategy \(request.strategy): \(trainable) of \(model.parameterCount) parameters train, \(settings.precision.rawValue)"
    )
    let initial = saved.map { $0.tensor.values }
    let corpus = TrainingCorpus(data.train, model: model, cacheBytes: settings.featureCacheBytes)
    let trainer = try train(model, saved, groups, corpus, data)
    let delta = WeightChange(before: initial, after: saved)
    model.network.mergeLowRank()
    for (index, reason) in corpus.failures.sorted(by: { $0.key < $1.key }) {
      let utterance = corpus.items[index].utterance
      data.quarantine.add(
        utterance: utterance.id, source: request.train, line: utterance.line, cause: reason,
        remedy: "replace the recording")
    }
    try data.quarantine.write(to: "\(trainingDirectory)/quarantine.jsonl")

    // What is judged is what is on disk, rounded as it will be used.
    let candidate = "\(trainingDirectory)/candidate"
    try model.write(to: candidate, storage: request.storage)
    let adapted = try AcousticModel(directory: candidate)
    let target = try compare(base, adapted, data.verdict, "target")
    let retained =
      data.retained.isEmpty ? nil : try compare(base, adapted, data.retained, "retained")
    let decision = Decision(target)
    let report = AdaptationReport(
      request: request, preflight: checked, transfer: transfer?.summary, trainable: trainable,
      parameters: model.parameterCount, weightChange: delta, training: trainer.state,
      infeasible: trainer.infeasible.sorted(), target: target, retained: retained,
      decision: decision, quarantined: data.quarantine.count)
    let shipped = decision.shipsAdapted ? adapted : base
    try shipped.write(
      to: request.output, storage: request.storage,
      record: try report.record(base: base, data: data))
    return report
  }

  /// The network with the labels of the target: the base's own where they suffice.
  private func labels(_ base: AcousticModel, _ data: AdaptationData) throws -> (
    AcousticModel, LabelTransfer?
  ) {
    let alphabet = Alphabet(texts: data.train.map { base.normalizer($0.text) })
    let outside = alphabet.outside(base.vocabulary)
    if outside.isEmpty && request.labels != .replace {
      // A network of its own: the base is scored later as it was.
      return (try AcousticModel(directory: request.base), nil)
    }
    let share = Double(outside.count) / Double(max(1, alphabet.characters.count))
    let mode: LabelTransfer.Mode =
      switch request.labels {
      case .extend: .extend
      case .replace: .replace
      case .automatic: share < 0.5 ? .extend : .replace
      }
    let transfer = try LabelTransfer(base: base.vocabulary, alphabet: alphabet, mode: mode)
    say("output layer, \(mode.rawValue): \(transfer.summary)")
    return (try base.replacingLabels(transfer, seed: settings.seed), transfer)
  }

  private func preflight(_ data: inout AdaptationData, _ model: AcousticModel) -> PreflightReport {
    let bar = ProgressBar("pre-flight", total: data.train.count, unit: "utterances")
    let checked = Preflight(
      data.train, normalizer: model.normalizer, vocabulary: model.vocabulary,
      source: request.train, outputFrames: { model.outputFrames(samples: $0) },
      progress: { _ in bar.advance() })
    bar.finish()
    say("\(checked.report)")
    data.train = checked.usable
    data.quarantine.add(checked.quarantine)
    return checked.report
  }

  private func train(
    _ model: AcousticModel, _ saved: [Parameter], _ groups: [ParameterGroup],
    _ corpus: TrainingCorpus, _ data: AdaptationData
  ) throws -> Trainer {
    let dev = DevSet(data.selection, model: model, precision: settings.precision)
    let trainer = Trainer(
      model: model, parameters: saved, groups: groups, corpus: corpus, settings: settings,
      files: .init(directory: trainingDirectory),
      fingerprint: try RunFingerprint(
        settings: settings, base: "\(request.base)", strategy: "\(request.strategy)",
        utterances: data.train + data.selection
      ).text,
      lookAtDev: dev.look, report: say)
    if request.resumes { try trainer.resume() }
    try trainer.run()
    return trainer
  }

  private func compare(
    _ base: AcousticModel, _ adapted: AcousticModel, _ utterances: [Utterance], _ what: String
  ) throws -> Comparison {
    func evaluate(_ model: AcousticModel, _ name: String) throws -> Evaluation {
      let bar = ProgressBar("scoring \(name) on \(what)", total: utterances.count)
      defer { bar.finish() }
      let transcriber = try Transcriber(model: model, precision: settings.precision)
      return try Evaluation(utterances, transcriber: transcriber) { _ in bar.advance() }
    }
    return try Comparison(
      base: try evaluate(base, "the base"), adapted: try evaluate(adapted, "the adapted model"),
      seed: settings.seed)
  }
}
