import Basics

/// What was left out of a job, and why. The job went on without it.
public struct Quarantine: Sendable, Hashable {
  public struct Entry: Sendable, Hashable, Codable {
    /// The utterance's id; nil where its line could not be read so far.
    public var utterance: String?
    /// The file that names it.
    public var source: String
    /// The line there, from 1; 0 where there is none.
    public var line: Int
    public var cause: String
    public var remedy: String
  }

  public private(set) var entries: [Entry] = []
  private var known: Set<Entry> = []

  public init() {}

  public var count: Int { entries.count }
  public var isEmpty: Bool { entries.isEmpty }

  /// Adds an entry, but for one that is there already.
  public mutating func add(
    utterance: String? = nil, source: String = "", line: Int = 0, cause: String, remedy: String
  ) {
    add(Entry(utterance: utterance, source: source, line: line, cause: cause, remedy: remedy))
  }

  /// Adds another's entries that are not there already.
  public mutating func add(_ other: Quarantine) { for entry in other.entries { add(entry) } }

  private mutating func add(_ entry: Entry) {
    if known.insert(entry).inserted { entries.append(entry) }
  }

  /// The first few, a line each, and how many more there are; empty for an empty quarantine.
  public func summary(limit: Int = 5) -> String {
    guard !entries.isEmpty else { return "" }
    var lines = ["\(entries.count) left out:"]
    lines += entries.prefix(limit).map { "  \($0)" }
    if entries.count > limit { lines.append("  and \(entries.count - limit) more") }
    return lines.joined(separator: "\n")
  }

  /// Writes every entry, one JSON object a line, whole or not at all.
  public func write(to path: String) throws {
    try AtomicFile.write(to: path) { append in
      for entry in entries {
        var members = JSONObject()
        if let utterance = entry.utterance { members["utterance"] = .string(utterance) }
        if !entry.source.isEmpty { members["source"] = .string(entry.source) }
        if entry.line > 0 { members["line"] = .integer(entry.line) }
        members["cause"] = .string(entry.cause)
        members["remedy"] = .string(entry.remedy)
        let line = JSONValue.object(members).text(.compact, sortedKeys: false) + "\n"
        try Array(line.utf8).withUnsafeBytes { try append($0) }
      }
    }
  }
}

extension Quarantine.Entry: CustomStringConvertible {
  /// `train.jsonl:7: audio/a.wav: no such file; correct the path`.
  public var description: String {
    var text = source
    if line > 0 { text += source.isEmpty ? "line \(line)" : ":\(line)" }
    if !text.isEmpty { text += ": " }
    if let utterance { text += "\(printable(utterance)): " }
    return text + printable(cause) + "; " + printable(remedy)
  }
}
