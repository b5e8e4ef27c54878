public import SpeechCorpus
public import SpeechText

extension Evaluation {
  /// Utterances that have something in common.
  public struct Group: Sendable, Hashable {
    public var name: String
    public var utterances = 0
    public var words = ErrorCounts()
    public var characters = ErrorCounts()
  }

  /// Errors of all words.
  public var wordCounts: ErrorCounts { scores.reduce(ErrorCounts()) { $0 + $1.words } }
  /// Errors of all characters.
  public var characterCounts: ErrorCounts { scores.reduce(ErrorCounts()) { $0 + $1.characters } }
  /// Audio that was scored, in seconds.
  public var audioSeconds: Double { scores.reduce(0) { $0 + $1.durationSeconds } }
  /// Seconds of work for a second of audio: below 1 is faster than speech.
  public var realTimeFactor: Double { elapsedSeconds / max(audioSeconds, 1e-9) }

  /// Sums by speaker; empty where none is known.
  public var bySpeaker: [Group] { groups { $0.speaker } }
  /// Sums by accent; empty where none is known.
  public var byAccent: [Group] { groups { $0.accent } }

  /// Sums by what `name` says of an utterance, in alphabetic order; those without a name come last, as
  /// `unknown`.
  public func groups(_ name: (Utterance) -> String?) -> [Group] {
    var known: [String: Group] = [:]
    var unknown = Group(name: "unknown")
    func add(_ score: Score, to group: inout Group) {
      group.utterances += 1
      group.words += score.words
      group.characters += score.characters
    }
    for score in scores {
      if let name = name(score.utterance) {
        add(score, to: &known[name, default: Group(name: name)])
      } else {
        add(score, to: &unknown)
      }
    }
    guard !known.isEmpty else { return [] }
    return known.values.sorted { $0.name < $1.name } + (unknown.utterances > 0 ? [unknown] : [])
  }

  /// The utterances with the highest word error rates, worst first; those without an error are left out.
  public func worst(_ count: Int) -> [Score] {
    let ranked = scores.enumerated().filter { $0.element.words.errors > 0 }.sorted { a, b in
      let (x, y) = (a.element, b.element)
      // Of equal rates the one with more to hear is worse; then the order of the corpus.
      return (y.words.rate, y.characters.rate, y.words.errors, a.offset)
        < (x.words.rate, x.characters.rate, x.words.errors, b.offset)
    }
    return ranked.prefix(max(0, count)).map(\.element)
  }
}
