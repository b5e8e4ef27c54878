package import AcousticModels
package import SpeechCorpus
import SpeechText

/// How much of a target's text a base has labels for.
///
/// What it has none for it gets wrong whatever it hears, so its error cannot fall below that share. Few kinds of
/// character may make up much of a text: a base that lacks two letters of Twi gets every third word of it wrong.
package struct LabelCoverage: Sendable {
  /// Of the characters, as often as they stand in the text.
  package let share: Double

  /// A base that lacks labels for more than the rest of the text cannot write it: to make fewer errors than it
  /// proves nothing.
  package static let least = 0.95

  package var canWrite: Bool { share >= LabelCoverage.least }

  package init(of utterances: [Utterance], by base: AcousticModel) {
    share = Alphabet(texts: utterances.map { base.normalizer($0.text) })
      .coverage(by: base.vocabulary)
  }
}
