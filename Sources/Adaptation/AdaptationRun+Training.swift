import AcousticModels
import Basics
import SpeechCorpus
import SpeechText
import TensorEngine

/// What every training of a run shares.
struct Course {
  let model: AcousticModel
  /// All that training changes, statistics too.
  let saved: [Parameter]
  private(set) var groups: [ParameterGroup]
  /// How much each element of what trains mattered to the base on what is replayed; nil where that is not asked.
  let importances: [Tensor]?
  let frozen: FrozenPart?
  let teacher: Teacher?
  let baseHash: String
  /// nil where the labels are the base's own.
  let transfer: LabelTransfer?
  /// Whether the labels are another alphabet's, so that what the base knew cannot be retained.
  let replaces: Bool
  /// Every parameter of the model as it was.
  let initial: [[Float]]

  /// How many values train.
  var trainable: Int { groups.flatMap(\.parameters).reduce(0) { $0 + $1.tensor.count } }

  /// Has the next training go on from this one: what began late, such as all beneath a new output layer, trains at
  /// once.
  mutating func goOn() { groups = groups.map { $0.goingOn() } }
}

extension AdaptationRun {
  /// The network, and what of it trains, as the request's strategy says.
  func makeCourse(
    _ base: AcousticModel, _ hash: String, _ data: AdaptationData, isQuiet: Bool = false
  ) throws -> Course {
    let say = isQuiet ? { _ in } : self.say
    var (model, transfer, replaces) = try labels(base, data.train, say)
    if let count = request.keptLayers {
      model = try model.keepingLayers(count)
      // Between a whole network and a part of it lies nothing.
      request.interpolates = false
      say("the \(count) lowest of \(base.network.sizes.layerCount) encoder layers are kept")
    }
    try refuseRegularisers(for: transfer)
    if case .adapter(let width) = request.strategy {
      model = try model.addingAdapters(width: width, seed: settings.seed)
    }
    let (groups, saved) = try request.strategy.apply(
      to: model, newLabels: transfer != nil, layerDecay: settings.layerDecay,
      weightDecay: settings.weightDecay,
      pull: settings.pullToStart ?? settings.consolidation.map { _ in 0 }, seed: settings.seed)
    // Of the base's weights, whatever training begins with.
    let importances = try settings.consolidation.map { _ in
      try Consolidation(
        model, groups.flatMap(\.parameters),
        TrainingCorpus(data.replay, model: model, cacheBytes: 0), settings: settings
      ).importances
    }
    return Course(
      model: model, saved: saved, groups: groups, importances: importances,
      frozen: try frozenPart(of: model, groups),
      teacher: settings.distillation.map { Teacher(base, weight: $0) }, baseHash: hash,
      transfer: transfer, replaces: replaces,
      initial: model.parameters.map { $0.tensor.values })
  }

  /// What holds the network near its base needs labels that both have.
  private func refuseRegularisers(for transfer: LabelTransfer?) throws {
    guard let transfer else { return }
    if settings.distillation != nil {
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
  func frozenPart(
    of model: AcousticModel, _ groups: [ParameterGroup]
  ) throws -> FrozenPart? {
    let layerCount = model.network.layers.count
    let frozen = FrozenPart(groups, of: model.network)
    if frozen == nil && settings.views != nil {
      throw IdiolectError(
        .invalidArgument,
        "strategy \(request.strategy): no encoder layer is frozen, so that fixed views save nothing; leave them out"
      )
    }
    if request.keepsFrozenStates && settings.views == nil {
      request.settings.views = frozen?.defaultViews(settings, layerCount: layerCount)
    }
    return frozen
  }

  /// Trains on what is labelled, then on what a teacher hears in the rest.
  func train(_ course: Course, _ data: inout AdaptationData) throws -> TrainingState {
    var course = course
    var state = TrainingState()
    if !data.train.isEmpty {
      state = try train(course, data.train, files, &data)
      course.goOn()
    }
    guard !data.unlabelled.isEmpty else { return state }
    var seconds = state.seconds
    if data.train.isEmpty && course.transfer != nil {
      throw IdiolectError(
        .invalidData, "a new output layer hears nothing yet: give some labelled data by --train")
    }
    if settings.averageDecay == nil { request.settings.averageDecay = 0.99 }
    func labels() -> PseudoLabels {
      PseudoLabels(
        data.unlabelled, teacher: course.model, precision: settings.precision, seed: settings.seed)
    }
    var heard = labels()
    for round in 1...max(1, request.rounds) {
      say("round \(round): \(heard.summary)")
      guard !heard.kept.isEmpty else { break }
      let before = course.saved.map { $0.tensor.values }
      let next = try train(
        course, data.train + heard.kept, files.round(round, resumes: request.resumes), &data)
      seconds += next.seconds
      let now = labels()
      // Labels decide where there are any; otherwise signs of a collapse.
      let objection: String? =
        if let reached = next.best?.devCER, let known = state.best?.devCER {
          reached < known ? nil : "the dev CER did not fall"
        } else {
          now.collapse(since: heard)
        }
      if let objection {
        say("round \(round) is undone: \(objection)")
        for (parameter, values) in zip(course.saved, before) {
          parameter.tensor.pointer.update(from: values, count: values.count)
          parameter.tensor.didChange()
        }
        break
      }
      (state, heard) = (next, now)
      course.goOn()
    }
    state.seconds = seconds
    return state
  }

  /// Trains, and puts into the quarantine what failed meanwhile.
  func train(
    _ course: Course, _ utterances: [Utterance], _ files: TrainingDirectory,
    _ data: inout AdaptationData, isQuiet: Bool = false
  ) throws -> TrainingState {
    let say = isQuiet ? { _ in } : self.say
    let model = course.model
    let dev = DevSet(
      data.selection, source: data.selectionSource, model: model, precision: settings.precision)
    let fingerprint = try RunFingerprint(
      settings: settings, base: course.baseHash,
      strategy: "\(request.strategy)" + (request.keptLayers.map { " of \($0) layers" } ?? "")
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
      importances: course.importances, frozen: frozen, teacher: course.teacher, corpus: corpus, settings: settings, files: files,
      fingerprint: fingerprint, lookAtDev: data.selection.isEmpty ? nil : dev.look, report: say)
    if request.resumes { try trainer.resume() }
    try trainer.run()
    data.quarantine.add(corpus.quarantine(source: request.train ?? request.unlabelled ?? ""))
    data.quarantine.add(dev.quarantine)
    try data.quarantine.write(to: self.files.quarantine)
    return trainer.state
  }

  /// Draws the weights back toward the base's as far as what chooses asks for; nil where nothing chooses.
  func interpolate(
    _ model: AcousticModel, from initial: [[Float]], _ data: AdaptationData
  ) throws -> Interpolation? {
    guard request.interpolates && !data.selection.isEmpty else { return nil }
    let adapted = model.parameters.map { $0.tensor.values }
    guard adapted != initial else { return nil }
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
      interpolation.uninterpolated = try trainedScores(model, data)
    }
    Interpolation.apply(
      interpolation.chosen, base: initial, adapted: adapted, to: model.parameters)
    say(interpolation.summary)
    return interpolation
  }
}
