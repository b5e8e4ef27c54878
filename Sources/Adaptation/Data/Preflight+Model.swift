import AcousticFeatures
import AcousticModels
import Basics
import SpeechCorpus
import SpeechText

extension Preflight {
  /// The check of a manifest with a network's own sample rate and subsampling.
  ///
  /// - Parameters:
  ///   - vocabulary: the labels to train; nil for held-out data, which is only transcribed: no text is too
  ///     long for it, and no recording either.
  ///   - requiresText: whether an utterance without a text is unusable; where not, the recordings train, and
  ///     must not be too long for that.
  ///   - say: takes what was found.
  init(
    _ manifest: Manifest, for model: AcousticModel, vocabulary: Vocabulary?,
    requiresText: Bool = true, say: (String) -> Void
  ) {
    let trains = vocabulary != nil
    var options = PreflightOptions()
    options.sampleRate = model.frontEnd.sampleRate
    options.requiresText = requiresText
    if !trains && requiresText { options.longestSeconds = .greatestFiniteMagnitude }
    let bar = ProgressBar(
      trains ? "pre-flight" : "pre-flight of \(manifest.path)", total: manifest.utterances.count,
      unit: "utterances")
    self.init(
      manifest.utterances, normalizer: model.normalizer, vocabulary: vocabulary, options: options,
      source: manifest.path, outputFrames: trains ? { model.outputFrames(samples: $0) } : nil,
      progress: { _ in bar.advance() })
    bar.finish()
    if trains {
      say("\(report)")
    } else if !quarantine.isEmpty {
      say("\(manifest.path): \(quarantine.summary(limit: 3))")
    }
  }
}
