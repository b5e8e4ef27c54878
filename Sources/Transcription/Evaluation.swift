import AcousticModels
import Basics
import Foundation
public import SpeechCorpus
public import SpeechText

/// How well a model transcribes a corpus: errors of each utterance, and statistics over them.
///
///     let evaluation = try Evaluation(manifest.utterances, transcriber: transcriber)
///     print(evaluation.words.rate, evaluation.words.lower, evaluation.words.upper)
///
/// References and hypotheses both go through the model's normaliser. Utterances that cannot be used are
/// quarantined; the rest goes on.
public struct Evaluation: Sendable {
  /// One utterance and what the model made of it.
  public struct Score: Sendable, Hashable {
    public var utterance: Utterance
    /// Normalised.
    public var reference: String
    /// Normalised.
    public var hypothesis: String
    public var words: ErrorCounts
    public var characters: ErrorCounts
    public var confidence: Float
    public var durationSeconds: Double

    /// Counts a hypothesis against the utterance's text.
    public init(_ utterance: Utterance, transcript: Transcript, normalizer: TextNormalizer) {
      self.utterance = utterance
      reference = normalizer(utterance.text)
      hypothesis = normalizer(transcript.text)
      words = .words(reference: reference, hypothesis: hypothesis)
      characters = .characters(reference: reference, hypothesis: hypothesis)
      confidence = transcript.confidence
      durationSeconds = transcript.durationSeconds
    }
  }

  /// In the order of the corpus.
  public let scores: [Score]
  public let quarantine: Quarantine
  /// Word error rate with its 95 % interval.
  public let words: ErrorInterval
  /// Character error rate with its 95 % interval.
  public let characters: ErrorInterval
  /// From opening the first recording to the last text, in seconds.
  public let elapsedSeconds: Double

  /// Transcribes and scores a corpus.
  ///
  /// - Parameters:
  ///   - source: the manifest, for the quarantine.
  ///   - progress: called after each utterance with its id.
  /// - Throws: `.invalidData` when no utterance could be used, with the first cause.
  public init(
    _ utterances: [Utterance], transcriber: Transcriber, source: String = "",
    seed: UInt64 = 1, progress: (String) -> Void = { _ in }
  ) throws {
    var scores: [Score] = []
    var quarantine = Quarantine()
    let normalizer = transcriber.model.normalizer
    let clock = ContinuousClock()
    let start = clock.now
    try transcriber.transcribe(utterances) { index, result in
      let utterance = utterances[index]
      switch result {
      case .success(let transcript):
        scores.append(Score(utterance, transcript: transcript, normalizer: normalizer))
      case .failure(let error):
        let (cause, remedy) = error.parts(
          without: utterance.audioPath,
          remedy: "replace the recording, or take it out of the manifest")
        quarantine.add(
          utterance: utterance.id, source: source, line: utterance.line, cause: cause,
          remedy: remedy)
      }
      progress(utterance.id)
    }
    let elapsed = clock.now - start
    guard !scores.isEmpty else {
      let first = quarantine.entries.first.map { "; the first: \($0)" } ?? ""
      throw IdiolectError(
        .invalidData, "none of \(utterances.count) utterances could be transcribed\(first)")
    }
    try self.init(
      scores: scores, quarantine: quarantine,
      elapsedSeconds: Double(elapsed.components.seconds)
        + Double(elapsed.components.attoseconds) * 1e-18, seed: seed)
  }

  /// Statistics over what was scored already, at least one utterance.
  package init(
    scores: [Score], quarantine: Quarantine = Quarantine(), elapsedSeconds: Double = 0,
    seed: UInt64 = 1
  ) throws {
    self.scores = scores
    self.quarantine = quarantine
    self.elapsedSeconds = elapsedSeconds
    words = try Evaluation.interval(scores, \.words, seed)
    characters = try Evaluation.interval(scores, \.characters, seed)
  }

  private static func interval(
    _ scores: [Score], _ counts: KeyPath<Score, ErrorCounts>, _ seed: UInt64
  ) throws -> ErrorInterval {
    try ErrorInterval(
      scores.map {
        ScoredUtterance(counts: $0[keyPath: counts], speaker: $0.utterance.speaker)
      }, seed: seed)
  }
}
