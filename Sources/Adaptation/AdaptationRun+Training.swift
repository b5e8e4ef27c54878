import AcousticModels
import Basics
import SpeechCorpus
import SpeechText
import TensorEngine

extension AdaptationRun {
  /// The network, and what of it trains, as a plan says.
  func makeCourse(
    _ base: AcousticModel, _ hash: String, _ data: AdaptationData, _ plan: Plan,
    isQuiet: Bool = false
  ) throws -> Course {
    let say = isQuiet ? { _ in } : self.say
    var (model, transfer, replaces) = try labels(base, data.train, say)
    if let count = request.keptLayers {
      model = try model.keepingLayers(count)
      say("the \(count) lowest of \(base.network.sizes.layerCount) encoder layers are kept")
    }
    try refuseRegularisers(of: plan, for: transfer)
    if case .adapter(let width) = plan.strategy {
      model = try model.addingAdapters(width: width, seed: plan.settings.seed)
    }
    var plan = plan
    let settings = plan.settings
    let (groups, saved) = try plan.strategy.apply(
      to: model, newLabels: transfer != nil, layerDecay: settings.layerDecay,
      weightDecay: settings.weightDecay,
      pull: settings.pullToStart ?? settings.consolidation.map { _ in 0 }, seed: settings.seed)
    let frozen = try frozenPart(of: model, groups, &plan)
    // Of the base's weights, whatever training begins with.
    let importances = try settings.consolidation.map { _ in
      try Consolidation(
        model, groups.flatMap(\.parameters),
        TrainingCorpus(data.replay, model: model, cacheBytes: 0), settings: settings
      ).importances
    }
    return Course(
      plan, model, of: base, saved: saved, groups: groups, importances: importances,
      frozen: frozen, teacher: settings.distillation.map { Teacher(base, weight: $0) },
      baseHash: hash,
      transfer: transfer, replaces: replaces)
  }

  /// What holds the network near its base needs labels that both have.
  private func refuseRegularisers(of plan: Plan, for transfer: LabelTransfer?) throws {
    guard let transfer else { return }
    if plan.settings.distillation != nil {
      throw IdiolectError(
        .invalidArgument,
        "distillation compares labels, and the target has others than the base: leave it out")
    }
    if request.replay != nil && !transfer.dropped.isEmpty {
      throw IdiolectError(
        .invalidArgument,
        "what is replayed is written with labels that the target lacks: keep them with --labels extend, or leave --replay out"
      )
    }
  }

  /// What the strategy freezes at the bottom; settles how many views an utterance has.
  private func frozenPart(
    of model: AcousticModel, _ groups: [ParameterGroup], _ plan: inout Plan
  ) throws -> FrozenPart? {
    let layerCount = model.network.layers.count
    let frozen = FrozenPart(groups, of: model.network)
    if frozen == nil && plan.settings.views != nil {
      throw IdiolectError(
        .invalidArgument,
        "strategy \(plan.strategy): no encoder layer is frozen, so that fixed views save nothing; leave them out"
      )
    }
    if request.keepsFrozenStates && plan.settings.views == nil {
      plan.settings.views = frozen?.defaultViews(plan.settings, layerCount: layerCount)
    }
    return frozen
  }

  /// Trains, and puts into the quarantine what failed meanwhile.
  ///
  /// - Parameter earlier: what stages before this one did, which the course of the run counts too.
  func train(
    _ course: Course, _ utterances: [Utterance], _ files: TrainingDirectory,
    _ data: inout AdaptationData, after earlier: TrainingState = TrainingState(),
    isQuiet: Bool = false
  ) throws -> TrainingState {
    let say = isQuiet ? { _ in } : self.say
    let (model, settings) = (course.model, course.plan.settings)
    let dev = DevSet(
      data.selection, source: data.selectionSource, model: model, precision: settings.precision)
    let fingerprint = try RunFingerprint(
      settings: settings, base: course.baseHash,
      strategy: "\(course.plan.strategy)"
        + (request.keptLayers.map { " of \($0) layers" } ?? "")
        + (request.language.map { " in \($0)" } ?? ""),
      vocabulary: model.vocabulary, utterances: utterances + data.replay + data.selection
    ).text
    var frozen = course.frozen
    try frozen?.open(
      files.frozen, model, utterances + data.replay, settings, run: fingerprint, say: say)
    // States need features once, so that they are not worth memory.
    let corpus = TrainingCorpus(
      utterances, mixing: data.replay, model: model,
      cacheBytes: frozen?.states == nil ? settings.featureCacheBytes : 0)
    let trainer = Trainer(
      model: model, parameters: course.saved, groups: course.groups,
      importances: course.importances, frozen: frozen, teacher: course.teacher,
      besides: course.average, corpus: corpus,
      settings: settings, files: files, fingerprint: fingerprint, after: earlier,
      lookAtDev: data.selection.isEmpty ? nil : dev.look, report: say)
    if request.resumes { try trainer.resume() }
    try trainer.run()
    data.quarantine.add(corpus.quarantine(source: request.train ?? request.unlabelled ?? ""))
    data.quarantine.add(dev.quarantine)
    try data.quarantine.write(to: self.files.quarantine)
    return trainer.state
  }

  /// Draws the weights back toward the base's as far as what chooses asks for; nil where nothing chooses.
  ///
  /// - Parameter trained: what the network's weights are.
  func interpolate(
    _ model: AcousticModel, _ trained: ModelScores.Kind, from initial: [Tensor],
    _ data: AdaptationData
  ) throws -> Interpolation? {
    // Between a whole network and a part of it lies nothing.
    guard request.interpolates && request.keptLayers == nil && !data.selection.isEmpty else {
      return nil
    }
    // Of what training did not move, no copy.
    let adapted = zip(initial, model.parameters).map { old, parameter in
      old.hasValues(of: parameter.tensor) ? old : parameter.tensor.copy()
    }
    guard zip(initial, adapted).contains(where: { $0 !== $1 }) else { return nil }
    let target = DevSet(
      data.selection, source: data.selectionSource, model: model, precision: settings.precision)
    let retained =
      data.retainedSelection.isEmpty
      ? nil
      : DevSet(
        data.retainedSelection, source: request.retain ?? "", model: model,
        precision: settings.precision)
    let bar = ProgressBar("weights between base and adapted", total: Interpolation.shares.count)
    let points = try Interpolation.shares.map { share in
      Interpolation.apply(share, base: initial, adapted: adapted, to: model.parameters)
      defer { bar.advance() }
      return Interpolation.Point(
        share: share, target: try target.look(), retained: try retained?.look())
    }
    bar.finish()
    var interpolation = Interpolation(budget: request.forgettingBudget, points: points)
    if interpolation.chosen < 1 {
      Interpolation.apply(1, base: initial, adapted: adapted, to: model.parameters)
      interpolation.uninterpolated = try trainedScores(trained, model, data)
    }
    Interpolation.apply(
      interpolation.chosen, base: initial, adapted: adapted, to: model.parameters)
    say(interpolation.summary)
    return interpolation
  }
}
