package import AcousticModels
import Basics
package import SpeechCorpus
import SpeechText
package import TensorEngine
import Transcription

/// The utterances that choose, and how the network in training does on them.
package final class DevSet {
  /// Utterances that could not be scored, as the first look found them.
  package private(set) var quarantine = Quarantine()
  private let utterances: [Utterance]
  private let source: String
  private let model: AcousticModel
  private let precision: Precision
  private var looks = 0

  /// - Parameter source: the manifest, for the quarantine.
  package init(
    _ utterances: [Utterance], source: String, model: AcousticModel, precision: Precision
  ) {
    self.utterances = utterances
    self.source = source
    self.model = model
    self.precision = precision
  }

  /// Scores the network as it stands: as infinitely wrong where its output is not numbers, for a training
  /// that threw there would throw again whenever it is resumed.
  package func look() throws -> DevScore {
    let transcriber = try Transcriber(model: model, precision: precision)
    let evaluation: Evaluation
    do {
      evaluation = try Evaluation(utterances, transcriber: transcriber, source: source)
    } catch let error as IdiolectError where error.code == .invalidData {
      return DevScore(
        characterErrorRate: .infinity, wordErrorRate: .infinity,
        example: "  the dev set cannot be scored: \(error.message)")
    }
    if looks == 0 { quarantine = evaluation.quarantine }
    let shown = evaluation.scores[looks % evaluation.scores.count]
    looks += 1
    return DevScore(
      characterErrorRate: evaluation.characters.rate, wordErrorRate: evaluation.words.rate,
      example: "  heard  \(shown.hypothesis)\n  said   \(shown.reference)")
  }
}
