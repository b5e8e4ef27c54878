import Basics
import Foundation
import Idiolect

/// An unfinished file of features: what is in it so far survives a kill, and the job goes on from there.
///
/// Bytes go to `PATH.partial`; a line for each recording, written after its bytes, to `PATH.partial.jsonl`.
final class FeatureJournal {
  struct Record {
    let name: String
    let shape: [Int]
    /// Where the numbers begin.
    let offset: Int
    let end: Int
  }

  private(set) var records: [Record] = []
  let dataPath: String
  private let notesPath: String
  private let data, notes: FileHandle
  private var end = 0

  /// - Parameter fingerprint: of the job; what another one left is begun anew.
  /// - Throws: `.inputOutput` where the files cannot be made.
  init(_ path: String, fingerprint: String) throws {
    dataPath = path + ".partial"
    notesPath = path + ".partial.jsonl"
    let (known, isSame) = FeatureJournal.read(notesPath, fingerprint)
    func open(_ path: String) throws -> FileHandle {
      let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else {
        throw IdiolectError(
          .inputOutput, "\(path): cannot create this file: \(String(cString: strerror(errno)))")
      }
      return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
    (data, notes) = (try open(dataPath), try open(notesPath))
    let size = Int((try? data.seekToEnd()) ?? 0)
    records = Array(known.prefix { $0.end <= size })
    end = records.last?.end ?? 0
    do {
      try data.truncate(atOffset: UInt64(end))
      try notes.truncate(atOffset: 0)
      if !isSame { records = [] }
      try note(["fingerprint": .string(fingerprint)])
      for record in records { try note(FeatureJournal.object(record)) }
    } catch let error as IdiolectError {
      throw error
    } catch {
      throw IdiolectError(
        .inputOutput, "\(dataPath): cannot write this file: \(error.localizedDescription)",
        cause: error)
    }
  }

  /// Appends a recording's numbers after `prefix`, and notes that they are there.
  func add(_ name: String, _ features: Features, prefix: Data = Data()) throws {
    var bytes = prefix
    features.values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    try add(name, shape: [features.frames, features.bins], bytes, offset: prefix.count)
  }

  /// Appends bytes for a recording as they are.
  func add(_ name: String, shape: [Int], _ bytes: Data, offset: Int = 0) throws {
    try write(bytes, to: data, dataPath)
    let record = Record(name: name, shape: shape, offset: end + offset, end: end + bytes.count)
    end = record.end
    try note(FeatureJournal.object(record))
    records.append(record)
  }

  /// Puts the data where it belongs and removes the notes.
  func rename(to path: String) throws {
    guard fsync(data.fileDescriptor) == 0, Foundation.rename(dataPath, path) == 0 else {
      throw IdiolectError(
        .inputOutput, "\(path): cannot replace this file: \(String(cString: strerror(errno)))")
    }
    unlink(notesPath)
  }

  /// Removes both files.
  func remove() {
    unlink(dataPath)
    unlink(notesPath)
  }

  private func note(_ object: JSONObject) throws {
    try write(
      Data((JSONValue.object(object).text(.compact, sortedKeys: false) + "\n").utf8), to: notes,
      notesPath)
  }

  private func write(_ bytes: Data, to handle: FileHandle, _ path: String) throws {
    do { try handle.write(contentsOf: bytes) } catch {
      throw IdiolectError(
        .inputOutput,
        "\(path): cannot write this file: \(error.localizedDescription); free some space and run it again, it goes on from here",
        cause: error)
    }
  }

  private static func object(_ record: Record) -> JSONObject {
    [
      "name": .string(record.name), "shape": .array(record.shape.map { .integer($0) }),
      "offset": .integer(record.offset), "end": .integer(record.end),
    ]
  }

  /// Whole lines that an earlier run of the same job left.
  private static func read(_ path: String, _ fingerprint: String) -> ([Record], isSame: Bool) {
    guard let bytes = FileManager.default.contents(atPath: path) else { return ([], false) }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .dropLast()
    let nodes = lines.map { JSONNode(try? JSONValue(parsing: Data($0)), file: path) }
    guard let first = nodes.first, (try? first["fingerprint"].string()) == fingerprint else {
      return ([], false)
    }
    var records: [Record] = []
    for node in nodes.dropFirst() {
      guard let name = try? node["name"].string(), let offset = try? node["offset"].int(),
        let end = try? node["end"].int(), let sizes = try? node["shape"].array(),
        case let shape = sizes.compactMap({ try? $0.int() }), shape.count == 2,
        offset >= records.last?.end ?? 0, end >= offset
      else { break }
      records.append(Record(name: name, shape: shape, offset: offset, end: end))
    }
    return (records, true)
  }
}
