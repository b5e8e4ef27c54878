import AcousticFeatures
package import AcousticModels
import Basics
import CTC
package import SpeechCorpus
import SpeechText
package import TensorEngine

/// What a teacher hears in recordings that nobody transcribed, as far as it may be believed.
///
/// Confidence is no evidence: a network that collapses is sure of itself. A hypothesis is kept where the network
/// says nearly the same with units dropped at random and a little of the features hidden (Gal and Ghahramani 2016;
/// Park et al. 2020, noisy student).
package struct PseudoLabels: Sendable {
  package struct Options: Sendable, Codable, Hashable {
    /// 1 less the character error of the perturbed hypotheses against the plain one.
    package var leastAgreement = 0.75
    /// Perturbed hypotheses.
    package var views = 2
    /// Of speech, characters a second.
    package var rates = 2.0...25.0
    package var fewestCharacters = 3

    package init() {}
  }

  /// Why an utterance is left out.
  package enum Refusal: String, Sendable, CaseIterable {
    case unreadable = "cannot be read"
    case nothing = "next to nothing is heard"
    case rate = "too few or too many characters a second"
    case agreement = "the teacher does not agree with itself"
  }

  /// With the hypothesis as text.
  package private(set) var kept: [Utterance] = []
  package private(set) var refused: [Refusal: Int] = [:]
  /// What the teacher makes of all of them.
  private let measure: OutputMeasure
  /// What the first teacher made of them.
  private let first: OutputMeasure
  /// Of all utterances in which something is heard, the mean.
  package var agreement: Double { measure.agreement }
  /// How far the teacher's posteriors are from those of the first, in nats a frame.
  package var drift: Double { measure.divergence(from: first) }

  /// How far a student may go from its teacher, and from the first of them. Rounds that take away a fifth of the
  /// errors in an accent lead 0.7 nats away, for labels move by a frame; posteriors that are all alike are 3 away.
  private static let limits = OutputMeasure.Limits(
    agreementLoss: 0.05, rateRatio: 1.4, blankChange: 0.1, divergence: 1.5)
  /// Utterances whose posteriors are compared: more would tell little more, and take memory.
  private static let mostCompared = 50

  /// - Parameter earlier: what the teacher before this one heard in the same utterances; nil for the first.
  package init(
    _ utterances: [Utterance], teacher: AcousticModel, precision: Precision, seed: UInt64,
    options: Options = .init(), after earlier: PseudoLabels? = nil
  ) {
    let corpus = TrainingCorpus(utterances, model: teacher, cacheBytes: 0)
    let decoder = GreedyDecoder(labels: teacher.vocabulary.count, blank: teacher.vocabulary.blank)
    var random = SeededRandom(seed: seed, 0x4B1)
    let compared = Set(
      random.shuffled(Array(utterances.indices)).prefix(PseudoLabels.mostCompared))
    let bar = ProgressBar("pseudo-labels", total: utterances.count)
    defer { bar.finish() }
    var measure = OutputMeasure()
    for (index, item) in corpus.items.enumerated() {
      bar.advance()
      guard let features = corpus.features(index, speed: 1) else {
        refused[.unreadable, default: 0] += 1
        continue
      }
      func hear(_ features: Features, _ pass: Pass) -> (logits: Tensor, segments: Segments) {
        teacher.network(FeatureBatch([features]), pass)
      }
      // Nothing where the output is no number.
      func decode(_ logits: Tensor, _ segments: Segments) -> [DecodedLabel] {
        (try? decoder(logits, segments, 0)) ?? []
      }
      func text(_ labels: [DecodedLabel]) -> String {
        teacher.normalizer(teacher.vocabulary.decode(labels.map(\.label)))
      }
      let (logits, segments) = hear(features, .evaluation(precision))
      let labels = decode(logits, segments)
      let clean = text(labels)
      measure.add(labels, frames: segments.validRange(0).count)
      if compared.contains(index) {
        measure.keep(logits, rows: segments.validRange(0), as: index)
      }
      guard clean.count >= options.fewestCharacters else {
        refused[.nothing, default: 0] += 1
        continue
      }
      let errors = (0..<options.views).map { view -> Double in
        var random = SeededRandom(seed: seed, 0x95E0D0, index, view)
        let pass = Pass(training: true, precision: precision, seed: random.state)
        // Some networks mask frames themselves; many have no dropout. Wider masks would leave out much that is
        // heard right: of an accent, a third with masks as wide as training's, a fifteenth with these.
        let hidden =
          corpus.networkMasks
          ? features : features.perturbed(bins: 0.1, time: 0.025, &random)
        let (logits, segments) = hear(hidden, pass)
        let other = text(decode(logits, segments))
        return min(1, ErrorCounts.characters(reference: clean, hypothesis: other).rate)
      }
      let agreed = 1 - errors.reduce(0, +) / Double(max(1, errors.count))
      measure.add(agreement: agreed, weight: 1)
      if !options.rates.contains(Double(clean.count) / max(0.1, item.seconds)) {
        refused[.rate, default: 0] += 1
      } else if agreed < options.leastAgreement {
        refused[.agreement, default: 0] += 1
      } else {
        var utterance = item.utterance
        utterance.text = clean
        kept.append(utterance)
      }
    }
    self.measure = measure
    first = earlier?.first ?? measure
  }

  /// A line for the person who waits.
  package var summary: String {
    let reasons = Refusal.allCases.compactMap { reason in
      refused[reason].map { "\($0): \(reason.rawValue)" }
    }
    return "\(kept.count) of \(kept.count + refused.values.reduce(0, +)) unlabelled utterances kept"
      + (reasons.isEmpty ? "" : " (left out, \(reasons.joined(separator: "; ")))")
      + ", agreement \(percent(agreement))"
      + (drift > 0 ? ", \(decimals(drift, 2)) nats a frame from the first teacher" : "")
  }

  /// What says that a student collapsed, against its teacher or little by little since the first; nil where nothing
  /// does.
  package func collapse(since teacher: PseudoLabels) -> String? {
    measure.objection(since: teacher.measure, PseudoLabels.limits)
      ?? measure.objection(since: teacher.first, PseudoLabels.limits)
      .map { "since the first round, \($0)" }
  }
}
