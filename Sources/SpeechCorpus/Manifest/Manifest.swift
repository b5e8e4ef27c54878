import Basics

/// A corpus as a file: JSON Lines, an utterance a line (the convention of NeMo).
///
/// `audio_filepath` (relative to the manifest) and `text` are needed; `id`, `duration` and `offset` in
/// seconds, `speaker`, `accent` and `lang` are taken where they are. Other keys are ignored.
///
/// An `id` names the utterance in reports and in what is made of it, as its path does otherwise: a string that no
/// other line has, without white space or control characters, and with no part between slashes that is empty, `.`
/// or `..`; or a whole number.
///
///     let manifest = try Manifest(path: "train.jsonl")
///     print(manifest.utterances.count, manifest.quarantine.summary())
///
/// A line that cannot be used goes into the quarantine, and reading goes on.
public struct Manifest: Sendable {
  /// So many lines at the start of a file without one that can be used, and it is no manifest.
  static let mostWrongLines = 10_000

  public let path: String
  public var utterances: [Utterance] = []
  public var quarantine = Quarantine()

  /// - Parameters:
  ///   - requiresText: whether an utterance without a transcript is a problem.
  ///   - checksFiles: whether an absent recording is a problem.
  /// - Throws: `IdiolectError` `.notFound` or `.inputOutput`; `.invalidData` when no utterance can be
  ///   used, with the first cause.
  public init(path: String, requiresText: Bool = true, checksFiles: Bool = true) throws {
    self.path = path
    let parser = ManifestLine(
      directory: FilePath.directory(of: path), requiresText: requiresText,
      checksFiles: checksFiles)
    var reader = try LineReader(path: path)
    var lines: [String: Int] = [:]
    var number = 0
    while let line = try reader.next() {
      number += 1
      do throws(ManifestLine.Problem) {
        switch line {
        case .tooLong:
          throw ManifestLine.Problem(
            cause: "the line is longer than \(LineReader.longestLine >> 20) MiB",
            remedy: "a manifest has one JSON object a line")
        case .text(let bytes):
          guard let (read, isNamed) = try parser.utterance(bytes) else { continue }
          var utterance = read
          utterance.line = number
          if isNamed, let other = lines[utterance.id] {
            throw ManifestLine.Problem(
              utterance: utterance.id, cause: "line \(other) has this id too",
              remedy: "give each utterance an id of its own")
          }
          while lines[utterance.id] != nil { utterance.id += "#\(number)" }
          lines[utterance.id] = number
          utterances.append(utterance)
        }
      } catch {
        quarantine.add(
          utterance: error.utterance, source: path, line: number, cause: error.cause,
          remedy: error.remedy)
        // Another kind of file, or a pipe that never ends, would fill the memory with complaints.
        if utterances.isEmpty, quarantine.count == Manifest.mostWrongLines { break }
      }
    }
    guard !utterances.isEmpty else {
      guard let first = quarantine.entries.first else {
        throw IdiolectError(
          .invalidData,
          "\(path): it is empty; a manifest has one JSON object a line, with audio_filepath and text"
        )
      }
      throw IdiolectError(
        .invalidData, "none of \(quarantine.count) utterances can be used; the first: \(first)")
    }
  }

  /// Writes utterances as a manifest, whole or not at all.
  ///
  /// Recordings beneath the manifest's directory are named relative to it, others absolutely. An id that does not
  /// follow from that is written, where it can be read again.
  public static func write(_ utterances: [Utterance], to path: String) throws {
    let directory = FilePath.directory(of: FilePath.absolute(path))
    let prefix = directory.hasSuffix("/") ? directory : directory + "/"
    try AtomicFile.write(to: path) { append in
      var taken: Set<String> = []
      for utterance in utterances {
        var audio = FilePath.absolute(utterance.audioPath)
        if audio.hasPrefix(prefix) { audio.removeFirst(prefix.count) }
        var members: JSONObject = [
          "audio_filepath": .string(audio), "text": .string(utterance.text),
        ]
        let (id, derived) = (
          utterance.id,
          UtteranceID.derived(fromAudio: audio, offsetSeconds: utterance.offsetSeconds)
        )
        let isGiven = id != derived && UtteranceID.fault(id) == nil && !taken.contains(id)
        taken.insert(isGiven ? id : derived)
        if isGiven { members["id"] = .string(id) }
        members["duration"] = utterance.durationSeconds.map { .number($0) }
        if utterance.offsetSeconds != 0 { members["offset"] = .number(utterance.offsetSeconds) }
        members["speaker"] = utterance.speaker.map { .string($0) }
        members["accent"] = utterance.accent.map { .string($0) }
        members["lang"] = utterance.language.map { .string($0) }
        let line = JSONValue.object(members).text(.compact, sortedKeys: false) + "\n"
        try Array(line.utf8).withUnsafeBytes { try append($0) }
      }
    }
  }
}
