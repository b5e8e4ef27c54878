package import AcousticModels
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

  /// - Throws: `.invalidData` when not one of the utterances can be scored.
  package func look() throws -> DevScore {
    let transcriber = try Transcriber(model: model, precision: precision)
    let evaluation = try Evaluation(utterances, transcriber: transcriber, source: source)
    if looks == 0 { quarantine = evaluation.quarantine }
    let shown = evaluation.scores[looks % evaluation.scores.count]
    looks += 1
    return DevScore(
      characterErrorRate: evaluation.characters.rate, wordErrorRate: evaluation.words.rate,
      example: "  heard  \(shown.hypothesis)\n  said   \(shown.reference)")
  }
}
