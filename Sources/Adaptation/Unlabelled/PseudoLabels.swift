package import AcousticModels
import Basics
import CTC
package import SpeechCorpus
import SpeechText
package import TensorEngine

/// What a teacher hears in recordings that nobody transcribed, as far as it may be believed.
///
/// Confidence is no evidence: a network that collapses is sure of itself. A hypothesis is kept where the network
/// says nearly the same with units dropped at random (Gal and Ghahramani 2016; Park et al. 2020, noisy student).
package struct PseudoLabels: Sendable {
  package struct Options: Sendable, Codable, Hashable {
    /// 1 less the character error of the hypotheses with dropout against that without.
    package var leastAgreement = 0.75
    /// Hypotheses with dropout.
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
  /// Of all utterances in which something is heard, the mean.
  package private(set) var agreement = 0.0
  /// Over all frames, the share of blanks.
  package private(set) var blankShare = 0.0
  /// Characters a second over all utterances.
  package private(set) var characterRate = 0.0

  package init(
    _ utterances: [Utterance], teacher: AcousticModel, precision: Precision, seed: UInt64,
    options: Options = .init()
  ) {
    let corpus = TrainingCorpus(utterances, model: teacher, cacheBytes: 0)
    let decoder = GreedyDecoder(labels: teacher.vocabulary.count, blank: teacher.vocabulary.blank)
    let bar = ProgressBar("pseudo-labels", total: utterances.count)
    defer { bar.finish() }
    var heard = 0
    var (frames, blanks, seconds, characters) = (0, 0, 0.0, 0)
    for (index, item) in corpus.items.enumerated() {
      bar.advance()
      guard let features = corpus.features(index, speed: 1) else {
        refused[.unreadable, default: 0] += 1
        continue
      }
      // Nothing where the output is no number.
      func hypothesis(_ pass: Pass) -> (text: String, blanks: Int, frames: Int) {
        let (logits, segments) = teacher.network(FeatureBatch([features]), pass)
        let frames = segments.validRange(0).count
        let labels = (try? decoder(logits, segments, 0)) ?? []
        return (
          teacher.normalizer(teacher.vocabulary.decode(labels.map(\.label))),
          frames - labels.reduce(0) { $0 + $1.endFrame - $1.startFrame }, frames
        )
      }
      let clean = hypothesis(Pass(training: false, precision: precision))
      frames += clean.frames
      blanks += clean.blanks
      seconds += item.seconds
      characters += clean.text.count
      guard clean.text.count >= options.fewestCharacters else {
        refused[.nothing, default: 0] += 1
        continue
      }
      heard += 1
      let errors = (0..<options.views).map { view -> Double in
        let draw = SeededRandom(seed: seed, 0x95E0D0, index, view).state
        let dropped = hypothesis(Pass(training: true, precision: precision, seed: draw))
        let counts = ErrorCounts.characters(reference: clean.text, hypothesis: dropped.text)
        return min(1, counts.rate)
      }
      let agreed = 1 - errors.reduce(0, +) / Double(max(1, errors.count))
      agreement += agreed
      if !options.rates.contains(Double(clean.text.count) / max(0.1, item.seconds)) {
        refused[.rate, default: 0] += 1
      } else if agreed < options.leastAgreement {
        refused[.agreement, default: 0] += 1
      } else {
        var utterance = item.utterance
        utterance.text = clean.text
        kept.append(utterance)
      }
    }
    agreement /= Double(max(1, heard))
    blankShare = Double(blanks) / Double(max(1, frames))
    characterRate = Double(characters) / max(0.1, seconds)
  }

  /// A line for the person who waits.
  package var summary: String {
    let reasons = Refusal.allCases.compactMap { reason in
      refused[reason].map { "\($0): \(reason.rawValue)" }
    }
    return "\(kept.count) of \(kept.count + refused.values.reduce(0, +)) unlabelled utterances kept"
      + (reasons.isEmpty ? "" : " (left out, \(reasons.joined(separator: "; ")))")
      + ", agreement \(percent(agreement))"
  }

  /// What says that a student collapsed, against its teacher; nil where nothing does.
  package func collapse(since teacher: PseudoLabels) -> String? {
    if agreement < teacher.agreement - 0.05 {
      return "it agrees less with itself, by \(percent(teacher.agreement - agreement))"
    }
    if blankShare > teacher.blankShare + 0.1 {
      return "its share of blanks rose by \(percent(blankShare - teacher.blankShare))"
    }
    let ratio = characterRate / max(0.01, teacher.characterRate)
    if ratio < 0.7 || ratio > 1.4 {
      return "it hears \(decimals(ratio, 2)) times as many characters a second"
    }
    return nil
  }
}
