import AcousticModels
import Basics
import TensorEngine

extension AdaptationRun {
  /// The network of the base with random weights and the target's labels, trained for as long as the adapted one
  /// was: what a new alphabet is compared with, for the base cannot write it. nil where nothing came of it.
  func trainRival(
    of course: Course, seconds: Double, _ data: inout AdaptationData
  ) throws -> AcousticModel? {
    let adapted = course.model
    let minutes = max(seconds / 60, 0.01)
    say("from scratch for the same \(decimals(minutes, 1)) minutes, to compare with")
    var configuration = adapted.network.sizes
    configuration.adapterWidth = nil
    let model = try AcousticModel(
      random: configuration, seed: settings.seed, vocabulary: adapted.vocabulary,
      frontEnd: adapted.frontEndConfiguration, normalizer: adapted.normalizer)
    // What is known to serve random weights; data, augmentation and looks are those of the adaptation.
    var settings = course.plan.settings
    settings.learningRate = 1e-3
    settings.minutes = minutes
    settings.liveStatistics = true
    settings.layerDecay = 1
    (settings.views, settings.distillation, settings.pullToStart) = (nil, nil, nil)
    (settings.consolidation, settings.replayShare) = (nil, nil)
    let (groups, saved) = try Strategy.full.apply(
      to: model, newLabels: false, layerDecay: 1, weightDecay: settings.weightDecay,
      seed: settings.seed)
    let rival = Course(
      Plan(strategy: .full, settings: settings), model, saved: saved, groups: groups)
    let files = try files.rival(resumes: request.resumes)
    var part = data
    part.replay = []
    do {
      _ = try train(rival, data.train, files, &part)
    } catch let error as IdiolectError where error.code == .invalidData {
      // No reason to lose the adapted model.
      say("nothing came of training from scratch: \(error.message)")
      return nil
    }
    data.quarantine = part.quarantine
    // Judged as it would be used: rounded.
    try model.write(to: files.candidate, storage: request.storage)
    return try AcousticModel(directory: files.candidate)
  }
}
