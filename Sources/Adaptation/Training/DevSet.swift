package import AcousticModels
package import SpeechCorpus
import SpeechText
package import TensorEngine
import Transcription

/// The utterances that choose, and how the network in training does on them.
package final class DevSet {
  private let utterances: [Utterance]
  private let model: AcousticModel
  private let precision: Precision
  private var looks = 0

  package init(_ utterances: [Utterance], model: AcousticModel, precision: Precision) {
    self.utterances = utterances
    self.model = model
    self.precision = precision
  }

  package func look() throws -> Trainer.DevScore {
    let transcriber = try Transcriber(model: model, precision: precision)
    let evaluation = try Evaluation(utterances, transcriber: transcriber)
    let shown = evaluation.scores[looks % evaluation.scores.count]
    looks += 1
    return Trainer.DevScore(
      characterErrorRate: evaluation.characters.rate, wordErrorRate: evaluation.words.rate,
      example: "  heard  \(shown.hypothesis)\n  said   \(shown.reference)")
  }
}
