import AcousticModels
import Basics
import TensorEngine

extension AdaptationRun {
  /// The network of the base with random weights and the target's labels, trained for as long as the adapted one
  /// was: what a new alphabet is compared with, for the base cannot write it.
  func trainRival(
    of course: Course, seconds: Double, _ data: inout AdaptationData
  ) throws -> AcousticModel {
    let adapted = course.model
    let minutes = max(seconds / 60, 0.01)
    say("from scratch for the same \(decimals(minutes, 1)) minutes, to compare with")
    var configuration = adapted.network.configuration
    configuration.adapterWidth = nil
    let model = try AcousticModel(
      random: configuration, seed: settings.seed, vocabulary: adapted.vocabulary,
      frontEnd: adapted.frontEndConfiguration, normalizer: adapted.normalizer)
    let asked = request
    defer { request = asked }
    // What is known to serve random weights; the data and its augmentation are the target's.
    request.strategy = .full
    request.replay = nil
    var settings = asked.settings
    settings.learningRate = 1e-3
    settings.minutes = minutes
    settings.liveStatistics = true
    settings.layerDecay = 1
    (settings.views, settings.distillation, settings.pullToStart) = (nil, nil, nil)
    (settings.consolidation, settings.replayShare) = (nil, nil)
    if settings.evaluationSteps == 0 { settings.evaluationSteps = 20 }
    request.settings = settings
    let (groups, saved) = try Strategy.full.apply(
      to: model, newLabels: false, layerDecay: 1, weightDecay: settings.weightDecay,
      seed: settings.seed)
    let rival = Course(
      model: model, saved: saved, groups: groups, frozen: nil, teacher: nil, baseHash: "",
      transfer: nil, replaces: false, initial: [])
    _ = try train(rival, data.train, files.rival(resumes: asked.resumes), &data)
    return model
  }
}
