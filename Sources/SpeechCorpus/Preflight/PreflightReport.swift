import Basics

/// What the pre-flight check found in a corpus, to print or to keep.
public struct PreflightReport: Sendable, Codable, Hashable {
  /// What a finding is about. New kinds may be added.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case unreadable, silent, clipped, truncated, duplicate, duration, narrowBand
    case emptyText, infeasible, foreignCharacters, timePerLabel, tooLong
  }

  /// One remark about one utterance.
  public struct Finding: Sendable, Codable, Hashable {
    public var kind: Kind
    public var utterance: String
    public var line: Int
    /// Quarantined; otherwise a warning.
    public var isUnusable: Bool
    public var cause: String
    public var remedy: String
  }

  public struct CharacterCount: Sendable, Codable, Hashable {
    public var character: String
    public var count: Int
  }

  /// A quantity over utterances.
  public struct Spread: Sendable, Codable, Hashable {
    public var median: Double
    /// Where the lowest and the highest 5 % begin.
    public var low: Double
    public var high: Double
  }

  public var utterances = 0
  public var usable = 0
  /// Of the usable utterances.
  public var seconds = 0.0
  public var speakers = 0
  public var findings: [Finding] = []
  public var millisecondsPerLabel: Spread?
  /// Where sound ends, in Hz.
  public var bandwidth: Spread?
  public var rareCharacters: [CharacterCount] = []
  /// Characters that the vocabulary has no label for, in quarantined texts too.
  public var foreignCharacters: [CharacterCount] = []

  public init() {}
}

extension PreflightReport: CustomStringConvertible {
  /// A few lines: sums first, then what was found, each kind with its first few utterances.
  public var description: String {
    let warned = Set(findings.filter { !$0.isUnusable }.map(\.utterance)).count
    var lines = [
      "\(utterances) utterances, \(usable) usable (\(minutes(seconds)) min"
        + (speakers > 0 ? ", \(speakers) speaker\(speakers == 1 ? "" : "s")" : "")
        + "), \(utterances - usable) quarantined, "
        + "\(warned) with a warning"
    ]
    if let spread = millisecondsPerLabel {
      lines.append(
        "audio for each label: median \(Int(spread.median)) ms, "
          + "\(Int(spread.low)) to \(Int(spread.high)) for nine in ten")
    }
    if let spread = bandwidth {
      lines.append("sound reaches \(Int(spread.median)) Hz (median; lowest \(Int(spread.low)))")
    }
    if !rareCharacters.isEmpty { lines.append("rare characters: \(list(rareCharacters))") }
    if !foreignCharacters.isEmpty {
      lines.append("characters without a label: \(list(foreignCharacters))")
    }
    for kind in Kind.allCases {
      let found = findings.filter { $0.kind == kind }
      guard !found.isEmpty else { continue }
      let unusable = found.count { $0.isUnusable }
      lines.append(
        "\(name(kind)): \(found.count)" + (unusable > 0 ? ", \(unusable) of them quarantined" : ""))
      lines += found.prefix(3).map {
        "  \(printable($0.utterance)): \(printable($0.cause)); \(printable($0.remedy))"
      }
      if found.count > 3 { lines.append("  and \(found.count - 3) more") }
    }
    return lines.joined(separator: "\n")
  }

  private func minutes(_ seconds: Double) -> Double { (seconds / 6).rounded() / 10 }

  private func list(_ counts: [CharacterCount]) -> String {
    counts.prefix(20).map { "'\(printable($0.character))' \($0.count)" }.joined(separator: ", ")
      + (counts.count > 20 ? " and \(counts.count - 20) more" : "")
  }

  private func name(_ kind: Kind) -> String {
    switch kind {
    case .unreadable: "cannot be read"
    case .silent: "silent"
    case .clipped: "clipped"
    case .truncated: "cut short"
    case .duplicate: "the same recording again"
    case .duration: "duration is not the manifest's"
    case .narrowBand: "narrow-band"
    case .emptyText: "no text"
    case .infeasible: "too many labels for the time"
    case .foreignCharacters: "characters without a label"
    case .timePerLabel: "unusual time for a label"
    case .tooLong: "too long"
    }
  }
}
