import Basics
import Foundation

/// Turns one line of a manifest into an utterance, or says why not.
struct ManifestLine {
  struct Problem: Error {
    var utterance: String?
    var cause: String
    var remedy: String
  }

  var directory: String
  var requiresText: Bool
  var checksFiles: Bool

  /// Nil for an empty line.
  ///
  /// - Returns: the utterance, and whether the line names it itself.
  func utterance(_ bytes: [UInt8]) throws(Problem) -> (utterance: Utterance, isNamed: Bool)? {
    if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return nil }
    let object: JSONValue
    do {
      object = try bytes.withUnsafeBytes { try JSONValue(parsing: $0) }
    } catch {
      // The manifest's line is named already; to the parser it is always line 1.
      let reason = (error as? JSONFault)?.reason ?? "\(error)"
      throw Problem(
        cause: "not JSON that can be read: \(reason)", remedy: "write one JSON object on the line")
    }
    guard object.object != nil else {
      throw Problem(
        cause: "it holds \(object.kind), not an object", remedy: "write one JSON object on the line"
      )
    }
    let audio = try string(object, "audio_filepath", nil)
    guard let audio, !audio.isEmpty else {
      throw Problem(
        cause: "audio_filepath is missing",
        remedy: "add the path of the recording, relative to the manifest")
    }
    guard !audio.utf8.contains(0) else {
      throw Problem(
        utterance: audio, cause: "its path holds a zero byte", remedy: "correct audio_filepath")
    }
    let text = try string(object, "text", audio)
    guard text != nil || !requiresText else {
      throw Problem(utterance: audio, cause: "text is missing", remedy: "add what is said in it")
    }
    let offset = try seconds(object, "offset", audio) ?? 0
    guard offset >= 0 else {
      throw Problem(
        utterance: audio, cause: "its offset is \(offset) s", remedy: "give seconds from 0")
    }
    let duration = try seconds(object, "duration", audio)
    if let duration, duration <= 0 {
      throw Problem(
        utterance: audio, cause: "its duration is \(duration) s",
        remedy: "give seconds above 0, or leave duration out")
    }
    let path = FilePath.join(directory, audio)
    if checksFiles { try check(path, audio) }
    let id = try id(object, audio)
    let utterance = Utterance(
      id: id ?? UtteranceID.derived(fromAudio: audio, offsetSeconds: offset), audioPath: path,
      text: text ?? "", durationSeconds: duration, offsetSeconds: offset,
      speaker: try name(object, "speaker", audio), accent: try name(object, "accent", audio),
      language: try name(object, "lang", audio))
    return (utterance, id != nil)
  }

  /// The name that the line gives, which may be a number; nil for none.
  private func id(_ object: JSONValue, _ audio: String) throws(Problem) -> String? {
    if let number = object["id"]?.integer { return String(number) }
    guard let id = try string(object, "id", audio) else { return nil }
    if let fault = UtteranceID.fault(id) {
      throw Problem(
        utterance: audio, cause: "its id '\(id)' \(fault)", remedy: UtteranceID.remedy)
    }
    return id
  }

  private func check(_ path: String, _ audio: String) throws(Problem) {
    guard let isFolder = FilePath.isFolder(path) else {
      throw Problem(
        utterance: audio, cause: "no such file",
        remedy: "correct audio_filepath, which is relative to the manifest, or restore the file")
    }
    guard !isFolder else {
      throw Problem(
        utterance: audio, cause: "it is a directory", remedy: "name the recording itself")
    }
  }

  private func wrong(
    _ key: String, _ value: JSONValue, _ wanted: String, _ audio: String?
  ) -> Problem {
    Problem(
      utterance: audio, cause: "\(key) is \(value.kind), not \(wanted)",
      remedy: "write it as \(wanted)")
  }

  private func string(
    _ object: JSONValue, _ key: String, _ audio: String?
  ) throws(Problem) -> String? {
    guard let value = object[key], !value.isNull else { return nil }
    guard let string = value.string else { throw wrong(key, value, "a string", audio) }
    return string
  }

  /// A speaker may also be a number; an empty name is none.
  private func name(
    _ object: JSONValue, _ key: String, _ audio: String
  ) throws(Problem) -> String? {
    if let number = object[key]?.integer { return String(number) }
    let name = try string(object, key, audio)
    return name?.isEmpty == true ? nil : name
  }

  private func seconds(
    _ object: JSONValue, _ key: String, _ audio: String
  ) throws(Problem) -> Double? {
    guard let value = object[key], !value.isNull else { return nil }
    guard let number = value.double else { throw wrong(key, value, "a number", audio) }
    guard number.isFinite else {
      throw Problem(
        utterance: audio, cause: "its \(key) is \(number) s", remedy: "give finite seconds")
    }
    return number
  }
}
