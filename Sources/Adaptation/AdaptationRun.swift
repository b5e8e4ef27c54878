import AcousticFeatures
import AcousticModels
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import Transcription

/// One adaptation from base to verdict, by the strategy that short trials choose unless the request names one.
///
///     var request = AdaptationRequest(base: "Models/english-small", train: "me.jsonl", output: "mine")
///     let report = try AdaptationRun(request) { print($0) }.run()
public final class AdaptationRun {
  let request: AdaptationRequest
  let say: (String) -> Void

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

  var settings: TrainingSettings { request.settings }
  var files: TrainingDirectory { TrainingDirectory(output: request.output) }

  private func runOnEngine() throws -> AdaptationReport {
    try files.refuse(base: request.base)
    guard settings.task == nil else {
      throw IdiolectError(
        .invalidArgument, "tasks prepare a model in ScratchRun; an adaptation has one target")
    }
    var plan = try Plan(request)
    let base = try AcousticModel(directory: request.base, language: request.language)
    let store = try WeightStore(directory: request.base)
    let hash = try store.sha256()
    let manifests = try AdaptationManifests(
      train: request.train, dev: request.dev, retain: request.retain, test: request.test,
      replay: request.replay, unlabelled: request.unlabelled)
    let lock = try TrainingLock(files)
    defer { withExtendedLifetime(lock) {} }
    try files.prepare(resumes: request.resumes)
    var (data, checked) = try preflight(manifests, base)
    data.notes.forEach(say)
    let stray = StrayCharacters(
      data.train, normalizer: base.normalizer, known: base.vocabulary,
      source: request.train ?? "")
    stray.note.map(say)
    data.train = stray.kept
    data.quarantine.add(stray.quarantine)
    try data.quarantine.write(to: files.quarantine)
    let coverage = LabelCoverage(of: data.train, by: base)
    let choice = try choose(base, hash, &data, &plan)
    var course = try makeCourse(base, hash, data, plan)
    try choice?.start(&course)
    if course.plan.settings.averageDecay == nil && !data.selection.isEmpty
      && data.unlabelled.isEmpty
    {
      course.keepAverage()
    }
    say(
      "strategy \(plan.strategy): \(course.trainable) of \(course.model.parameterCount) parameters train, \(settings.precision.rawValue)"
    )
    let (model, transfer) = (course.model, course.transfer)
    let (state, rounds) = try train(course, &data)
    let averaging = try chooseAverage(course, state, data)
    let trained: ModelScores.Kind =
      averaging?.takesAverage ?? (settings.averageDecay != nil) ? .averaged : .adapted
    // Of other labels or fewer layers, an adapter could not be put beside the base.
    let fitsBase = transfer == nil && request.keptLayers == nil
    var adapter = fitsBase ? LowRankAdapter(model.network) : nil
    model.network.foldUpdates()
    let interpolation =
      transfer == nil ? try interpolate(model, trained, from: course.initial, data) : nil
    adapter?.scale(by: interpolation?.chosen ?? 1)
    // Where cross-validation judges, four more networks would have to learn to hear from a few minutes each: they
    // would be beaten as surely as the base is.
    let rival: AcousticModel? =
      !coverage.canWrite && request.comparesWithScratch && (choice?.unseen.isEmpty ?? true)
      ? try trainRival(of: course, seconds: state.seconds + (choice?.seconds ?? 0), &data) : nil
    let change = WeightChange(before: course.initial, after: model.parameters)

    // What is judged is what is on disk, rounded as it will be used.
    try model.write(to: files.candidate, storage: request.storage)
    let adapted = try AcousticModel(directory: files.candidate)
    let unseen = choice?.unseen ?? []
    let judges = unseen.isEmpty ? data.verdict : unseen.map(\.utterance)
    let ofBase = try evaluate(base, judges, "the base on target")
    let ofAdapted =
      try unseen.isEmpty
      ? evaluate(adapted, judges, "the adapted model on target") : Evaluation(scores: unseen)
    let ofRival = try rival.map { try evaluate($0, judges, "the model from scratch on target") }
    func against(_ one: Evaluation, _ other: Evaluation) throws -> Comparison {
      try Comparison(base: one, adapted: other, seed: settings.seed)
    }
    let target = try against(ofRival ?? ofBase, ofAdapted)
    let (retained, unmeasured) = try compareRetained(
      base, adapted, data.retained, replaces: course.replaces)
    data.quarantine.add(target.quarantine(source: data.verdictSource))
    data.quarantine.add(retained?.quarantine(source: request.retain ?? "") ?? Quarantine())
    try data.quarantine.write(to: files.quarantine)
    let decision = Decision(
      characters: target.characters, words: target.words,
      against: rival == nil ? .base : .scratch,
      forgetting: retained?.forgetting(request.forgettingBudget),
      overBase: try ofRival.map { scratch -> [ShippedModel: PairedBootstrap] in
        [
          .adapted: try against(ofBase, ofAdapted).characters,
          .scratch: try against(ofBase, scratch).characters,
        ]
      } ?? [:])
    var settled = request
    (settled.strategy, settled.settings) = (course.plan.strategy, course.plan.settings)
    let report = AdaptationReport(
      request: settled, baseHash: hash, preflight: checked, coverage: coverage,
      transfer: transfer?.summary,
      choice: choice, trainable: course.trainable, parameters: model.parameterCount,
      weightChange: change,
      training: state, rounds: rounds, averaging: averaging, interpolation: interpolation,
      target: target,
      retained: retained,
      unmeasured: unmeasured,
      models: ModelScores.all(
        trained, besides: averaging?.other, base: ofBase, adapted: ofAdapted, scratch: ofRival,
        retained: retained,
        interpolation),
      decision: decision, quarantined: data.quarantine.count)
    let profile = "\(files.candidate)/\(TrainingDirectory.adapter)"
    try adapter?.write(
      to: profile, base: request.base, hash: hash, language: base.language)
    let hasBottlenecks =
      plan.strategy.isAdapter && request.keptLayers == nil
      && (fitsBase || base.network.sizes.adapterWidth != nil)
    if hasBottlenecks && base.network.sizes.adapterWidth == nil {
      try model.writeAdapters(to: profile, base: request.base, hash: hash)
    } else if hasBottlenecks {
      // Of a base that has adapters already, other ones are no profile beside it but another language.
      let spoken = Set(data.train.map(\.language))
      try model.writeLanguage(
        (spoken.count == 1 ? spoken.first ?? nil : nil) ?? request.language, to: profile, hash: hash
      )
    }
    try ship(
      report, try report.record(data: data), base, store, adapted, rival,
      hasAdapter: adapter != nil || hasBottlenecks)
    return report
  }

  /// Writes the model that ships, with its record and the page, and moves it into its place.
  ///
  /// - Parameter hasAdapter: whether an adapter by itself lies beside the candidate.
  private func ship(
    _ report: AdaptationReport, _ record: [(String, JSONValue)], _ base: AcousticModel,
    _ store: WeightStore, _ adapted: AcousticModel, _ rival: AcousticModel?, hasAdapter: Bool
  ) throws {
    // An adapter that lost stays with the checkpoints. The base is shipped to the bit.
    if hasAdapter {
      if !report.shipsAdapted { try files.keepAdapter() }
      say(
        "the adapter by itself, for --adapter: \(report.shipsAdapted ? request.output : files.path)/\(TrainingDirectory.adapter)"
      )
    }
    switch report.decision.ships {
    case .adapted:
      try adapted.write(to: files.candidate, storage: request.storage, record: record)
    case .base:
      try base.write(to: files.candidate, storage: store.losslessStorage, record: record)
    case .scratch:
      try rival?.write(to: files.candidate, storage: request.storage, record: record)
    }
    try AtomicFile.write(
      AdaptationPage(
        report: report, course: MetricsLog.read("\(files.path)/metrics.jsonl")
      ).html, to: "\(files.candidate)/report.html")
    try files.ship()
  }

  /// The network with the labels of the target: the base's own where they suffice.
  ///
  /// - Returns: also whether the labels are another alphabet's, some of which the base cannot write.
  func labels(
    _ base: AcousticModel, _ utterances: [Utterance], _ say: (String) -> Void
  ) throws -> (AcousticModel, LabelTransfer?, replaces: Bool) {
    guard let (transfer, mode, isForeign) = try self.transfer(base, utterances) else {
      // A network of its own: the base is scored later as it was.
      return (try AcousticModel(directory: request.base, language: request.language), nil, false)
    }
    say("output layer, \(mode.rawValue): \(transfer.summary)")
    return (
      try base.replacingLabels(transfer, seed: settings.seed), transfer,
      isForeign && mode == .replace
    )
  }

  /// The labels that some texts ask for; nil where the base's own suffice.
  func transfer(
    _ base: AcousticModel, _ utterances: [Utterance]
  ) throws -> (LabelTransfer, LabelTransfer.Mode, isForeign: Bool)? {
    let alphabet = Alphabet(texts: utterances.map { base.normalizer($0.text) })
    let outside = alphabet.outside(base.vocabulary)
    if outside.isEmpty && request.labels != .replace { return nil }
    let share = Double(outside.count) / Double(max(1, alphabet.characters.count))
    let mode: LabelTransfer.Mode =
      switch request.labels {
      case .extend: .extend
      case .replace: .replace
      case .automatic: share < 0.5 ? .extend : .replace
      }
    return (
      try LabelTransfer(base: base.vocabulary, alphabet: alphabet, mode: mode), mode,
      !outside.isEmpty
    )
  }

  /// Looks at every recording of every manifest once, and parts what can be used.
  private func preflight(
    _ manifests: AdaptationManifests, _ base: AcousticModel
  ) throws -> (AdaptationData, PreflightReport) {
    // Every character has a label here: which of them are worth one, usable texts alone can tell.
    let provisional =
      try transfer(base, manifests.train?.utterances ?? [])?.0.vocabulary ?? base.vocabulary
    var report: PreflightReport?
    var quarantine = manifests.quarantine
    let data = try AdaptationData(
      manifests, seed: settings.seed, holdsOut: request.holdsOut,
      // A strategy that is given, to be judged by --test, has nothing to be cross-validated for; and of a wall time
      // five trainings would take five.
      crossValidates: request.strategy == .automatic
        || settings.minutes == nil && request.test == nil
    ) { manifest, use in
      let checked = Preflight(
        manifest, for: base, vocabulary: use == .trains ? provisional : nil,
        requiresText: use != .isUnlabelled, say: say)
      // Of what is replayed first, and of what trains last.
      if use == .trains { report = checked.report }
      quarantine.add(checked.quarantine)
      try quarantine.write(to: files.quarantine)
      guard !checked.usable.isEmpty else {
        throw IdiolectError(
          .invalidData,
          "\(manifest.path): none of its utterances can be used; see \(files.quarantine)")
      }
      return (checked.usable, checked.quarantine)
    }
    return (data, report ?? PreflightReport())
  }

  /// No comparison where forgetting is not measured, and why, where that was asked for: no reason to lose the adapted
  /// model.
  private func compareRetained(
    _ base: AcousticModel, _ adapted: AcousticModel, _ utterances: [Utterance], replaces: Bool
  ) throws -> (Comparison?, unmeasured: String?) {
    guard !utterances.isEmpty else { return (nil, nil) }
    guard !replaces else { return (nil, "the labels are another alphabet's") }
    do {
      return (
        try Comparison(
          base: try evaluate(base, utterances, "the base on retained"),
          adapted: try evaluate(adapted, utterances, "the adapted model on retained"),
          seed: settings.seed), nil
      )
    } catch let error as IdiolectError where error.code == .invalidData {
      say("forgetting cannot be measured: \(error.message)")
      return (nil, error.message)
    }
  }

  /// The scores of what training gave on what judges, rounded as it would be used.
  func trainedScores(
    _ kind: ModelScores.Kind, _ model: AcousticModel, _ data: AdaptationData
  ) throws -> ModelScores {
    let what = "the \(kind.rawValue) model, not interpolated, on"
    try model.write(to: files.candidate, storage: request.storage)
    let stored = try AcousticModel(directory: files.candidate)
    return ModelScores(
      kind: kind, target: try evaluate(stored, data.verdict, "\(what) target"),
      retained: data.retained.isEmpty
        ? Optional.none : try? evaluate(stored, data.retained, "\(what) retained"))
  }

  func evaluate(
    _ model: AcousticModel, _ utterances: [Utterance], _ what: String
  ) throws -> Evaluation {
    let bar = ProgressBar("scoring \(what)", total: utterances.count)
    defer { bar.finish() }
    let transcriber = try Transcriber(model: model, precision: settings.precision)
    return try Evaluation(utterances, transcriber: transcriber) { _ in bar.advance() }
  }
}
