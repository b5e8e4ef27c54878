import Basics

/// Which row of a base network's output layer each label of the adapted network starts from.
///
///     let transfer = try LabelTransfer(base: vocabulary, alphabet: alphabet, mode: .replace)
///     for (row, origin) in transfer.origins.enumerated() { … origin.base … }
public struct LabelTransfer: Sendable {
  public enum Mode: String, Sendable, Codable, CaseIterable {
    /// All of the base's labels stay where they are; what is missing follows them.
    case extend
    /// Only the target's characters, in order of code points, then the blank.
    case replace
  }

  /// Why a label starts where it does.
  public enum Reason: String, Sendable, Codable {
    /// The base has this label.
    case same
    /// The base has it in the other case.
    case otherCase
    /// The base has what remains without a mark: é starts from e.
    case decomposition
    /// The base has a letter of which this is a variant by its Unicode name: ɖ (d with tail) from d,
    /// ɛ (open e) from e; or only a marked form of it: e from é.
    case variant
    /// Nothing in the base is like it.
    case new
  }

  public struct Origin: Sendable, Hashable {
    public let label: String
    /// The base's row; nil where the label is new.
    public let base: Int?
    public let reason: Reason
  }

  /// The labels of the adapted network.
  public let vocabulary: Vocabulary
  /// One for each label of `vocabulary`, in order.
  public let origins: [Origin]
  /// Labels of the base that the adapted network no longer has.
  public let dropped: [String]

  /// - Throws: `IdiolectError` `.invalidData` when the alphabet is empty.
  public init(base: Vocabulary, alphabet: Alphabet, mode: Mode) throws {
    guard !alphabet.counts.isEmpty else {
      throw IdiolectError(
        .invalidData, "the target's texts hold no characters, so it has no labels")
    }
    let kin = LabelKinship(base)
    func origin(_ scalar: Unicode.Scalar) -> Origin {
      let (row, reason) = kin.origin(of: scalar)
      return Origin(label: String(scalar), base: row, reason: reason)
    }
    switch mode {
    case .extend:
      let missing = alphabet.outside(base)
      vocabulary = try Vocabulary(
        labels: base.labels + missing.map { String($0) }, blank: base.blank,
        specials: base.specials, unknown: base.unknown, wordDelimiter: base.wordDelimiter,
        layout: base.layout,
        pieces: try base.pieces?.extended(
          to: base.labels + missing.map { String($0) }, base.specials))
      origins =
        base.labels.enumerated().map { Origin(label: $1, base: $0, reason: .same) }
        + missing.map(origin)
      dropped = []
    case .replace:
      var delimiter: Int?
      let characters = alphabet.characters
      let labels = characters.enumerated().map { index, scalar in
        if scalar == " ", let known = base.wordDelimiter {
          delimiter = index
          return base.labels[known]
        }
        return String(scalar)
      }
      // A name that is a character of the target would stand for two labels.
      var blank = base.labels[base.blank]
      if blank.unicodeScalars.count < 2 || blank == "<blank>" { blank = Vocabulary.defaultBlank }
      vocabulary = try Vocabulary(
        labels: labels + [blank], blank: labels.count, wordDelimiter: delimiter,
        layout: base.layout == .pieces ? .fused : base.layout)
      let kept = characters.map(origin)
      origins = kept + [Origin(label: blank, base: base.blank, reason: .same)]
      let used = Set(kept.filter { $0.reason == .same }.compactMap(\.base))
      dropped = base.textLabels.filter { !used.contains($0) }.map { base.labels[$0] }
    }
  }

  /// One line for a report: how many labels are kept, derived, new and dropped, and which.
  public var summary: String {
    func list(_ labels: [String]) -> String {
      labels.isEmpty
        ? ""
        : " (" + labels.prefix(12).joined(separator: " ") + (labels.count > 12 ? " …" : "") + ")"
    }
    let same = origins.count { $0.reason == .same }
    let derived = origins.filter { $0.reason != .same && $0.reason != .new }
    let new = origins.filter { $0.reason == .new }.map(\.label)
    var parts = ["\(same) labels kept"]
    if !derived.isEmpty { parts.append("\(derived.count) derived\(list(derived.map(\.label)))") }
    if !new.isEmpty { parts.append("\(new.count) new\(list(new))") }
    if !dropped.isEmpty { parts.append("\(dropped.count) dropped\(list(dropped))") }
    return parts.joined(separator: ", ")
  }
}
