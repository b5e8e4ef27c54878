import AcousticModels
import Basics
import CTC
import SpeechCorpus
import SpeechText
import TensorEngine

/// How much each weight matters to what a network can do: the mean square of its gradient over some utterances,
/// the diagonal of the empirical Fisher information (Kirkpatrick et al. 2017).
struct Consolidation {
  /// More utterances tell little more.
  static let mostUtterances = 200

  /// One for each parameter, in its shape; 1 in the mean over all, so that a strength means the same for every
  /// network.
  let importances: [Tensor]

  /// - Parameters:
  ///   - model: as it is to be held.
  ///   - parameters: of the model.
  ///   - corpus: what the model is to know still.
  /// - Throws: `.invalidData` where none of it gives a gradient.
  init(
    _ model: AcousticModel, _ parameters: [Parameter], _ corpus: TrainingCorpus,
    settings: TrainingSettings
  ) throws {
    let loss = CTCLoss(labels: model.vocabulary.count, blank: model.vocabulary.blank)
    let importances = parameters.map { Tensor(repeating: 0, shape: $0.tensor.shape) }
    let before = parameters.map(\.tensor.requiresGradient)
    for parameter in parameters { parameter.tensor.requiresGradient = true }
    defer {
      for (parameter, requires) in zip(parameters, before) {
        parameter.tensor.requiresGradient = requires
      }
    }
    var random = SeededRandom(seed: settings.seed, 0xE3C)
    let chosen = random.shuffled(Array(corpus.items.indices)).prefix(Consolidation.mostUtterances)
    var count = 0
    let bar = ProgressBar("what matters to retained speech", total: chosen.count)
    defer { bar.finish() }
    for item in chosen {
      bar.advance()
      guard let features = corpus.features(item, speed: 1) else { continue }
      let tape = Tape()
      let value = try tape.recording {
        let (logits, segments) = model.network(
          FeatureBatch([features]), .evaluation(settings.precision))
        let utterance = CTCUtterance(
          name: corpus.items[item].utterance.id,
          segment: PackedSegment(segments, 0),
          target: corpus.items[item].target)
        return try loss.onTape(logits: logits, utterances: [utterance], policy: .exclude).0
      }
      tape.backward(from: value)
      count += 1
      for (importance, parameter) in zip(importances, parameters) {
        guard let gradient = parameter.tensor.gradient else { continue }
        let (sum, by) = (importance.pointer, gradient.pointer)
        for index in 0..<importance.count { sum[index] += by[index] * by[index] }
        parameter.tensor.gradient = nil
      }
    }
    let total = importances.reduce(0.0) { sum, tensor in
      sum + tensor.values.reduce(0.0) { $0 + Double($1) }
    }
    let mean = total / Double(importances.reduce(0) { $0 + $1.count })
    guard count > 0, mean > 0, mean.isFinite else {
      throw IdiolectError(
        .invalidData,
        "none of the replayed recordings tells which weights matter to it; give others by --replay")
    }
    for tensor in importances {
      let values = tensor.pointer
      for index in 0..<tensor.count {
        values[index] = Float(settings.consolidation ?? 0) * values[index] / Float(mean)
      }
    }
    self.importances = importances
  }
}
