import Basics
import Foundation
import Idiolect

/// An unfinished file of features: what is in it so far survives a kill, and the job goes on from there.
///
/// Bytes go to `PATH.partial`; a line for each recording, written after its bytes, to `PATH.partial.jsonl`. One run
/// at a time holds them.
final class FeatureJournal {
  struct Record {
    let name: String
    /// `[frames, bins]`
    let shape: [Int]
    let valid: Int
    /// The fingerprint of what made it.
    let frontEnd: String
    /// Where the numbers begin.
    let offset: Int
    let end: Int

    /// Whether its numbers can be true of any recording.
    fileprivate var isPossible: Bool {
      let sizes = 1...1 << 40
      return shape.count == 2 && shape.allSatisfy(sizes.contains)
        && shape[0].multipliedReportingOverflow(by: 4 * shape[1]).overflow == false
        && (0...shape[0]).contains(valid) && offset >= 0 && end >= offset
    }

    /// Of the features in float32.
    var bytes: Int { 4 * shape[0] * shape[1] }
  }

  private(set) var records: [Record] = []
  let dataPath: String
  private let notesPath: String
  private let data, notes: FileHandle
  private var end = 0

  /// - Parameters:
  ///   - fingerprint: of the job; what another one left is begun anew.
  ///   - space: bytes that stay free at the beginning, for a header.
  ///   - isWhole: whether a record is of this job and what it tells of is there, in so many bytes after a header.
  /// - Throws: `.inputOutput` where the files cannot be made, or another run has them.
  init(
    _ path: String, fingerprint: String, space: Int = 0,
    isWhole: (_ record: Record, _ header: Int) -> Bool
  ) throws {
    dataPath = path + ".partial"
    notesPath = path + ".partial.jsonl"
    data = try FeatureJournal.open(dataPath)
    // Some network file systems know no locks; a run there is better than none.
    let isHeld = flock(data.fileDescriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
    var (named, opened) = (stat(), stat())
    // Another run may have finished, and moved the file, in between.
    guard !isHeld, stat(dataPath, &named) == 0, fstat(data.fileDescriptor, &opened) == 0,
      named.st_ino == opened.st_ino
    else {
      throw IdiolectError(
        .inputOutput, "\(path): another run is writing it; wait for it, or choose another --output")
    }
    notes = try FeatureJournal.open(notesPath)
    let size = Int((try? data.seekToEnd()) ?? 0)
    records = FeatureJournal.read(notesPath, fingerprint, from: space) {
      $0.end <= size && isWhole($0, $1)
    }
    end = records.last?.end ?? space
    do {
      try data.truncate(atOffset: UInt64(end))
      try data.seekToEnd()
      try notes.truncate(atOffset: 0)
      try note(["fingerprint": .string(fingerprint)])
      for record in records { try note(FeatureJournal.object(record)) }
    } catch let error as IdiolectError {
      throw error
    } catch {
      throw FeatureJournal.failure(dataPath, error)
    }
  }

  private static func open(_ path: String) throws -> FileHandle {
    let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw IdiolectError(
        .inputOutput,
        "\(path): cannot create this file: \(String(cString: strerror(errno))); choose an --output that can be written"
      )
    }
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// Appends what `body` hands to its argument and notes that it is there; none of it where `body` fails.
  ///
  /// - Parameters:
  ///   - header: what goes before, of the same length for every number of frames.
  ///   - body: returns the recording's frames, and how many are valid.
  func add(
    _ name: String, _ frontEnd: any FrontEnd,
    header: (_ frames: Int) -> Data = { _ in Data() },
    _ body: (_ append: @escaping (Data) throws -> Void) throws -> (total: Int, valid: Int)
  ) throws {
    let space = header(0)
    var length = space.count
    do {
      try write(space, to: data, dataPath)
      let frames = try body { [self] bytes in
        try write(bytes, to: data, dataPath)
        length += bytes.count
      }
      if !space.isEmpty {
        try data.seek(toOffset: UInt64(end))
        try write(header(frames.total), to: data, dataPath)
        try data.seekToEnd()
      }
      let record = Record(
        name: name, shape: [frames.total, frontEnd.bins], valid: frames.valid,
        frontEnd: frontEnd.fingerprint, offset: end + space.count, end: end + length)
      end = record.end
      try note(FeatureJournal.object(record))
      records.append(record)
    } catch {
      try? data.truncate(atOffset: UInt64(end))
      throw error
    }
  }

  /// Puts the data where it belongs and removes the notes.
  ///
  /// - Parameter header: what the space at the beginning is filled with.
  func finish(header: Data = Data(), to path: String) throws {
    if !header.isEmpty {
      do { try data.seek(toOffset: 0) } catch { throw FeatureJournal.failure(dataPath, error) }
      try write(header, to: data, dataPath)
    }
    // Who might read what was there may read what takes its place, and nobody else.
    var replaced = stat()
    if stat(path, &replaced) == 0 { _ = fchmod(data.fileDescriptor, replaced.st_mode & 0o777) }
    guard fsync(data.fileDescriptor) == 0, Foundation.rename(dataPath, path) == 0 else {
      throw IdiolectError(
        .inputOutput,
        "\(path): cannot be replaced: \(String(cString: strerror(errno))); choose another --output, or remove what is there and run it again"
      )
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
    do { try handle.write(contentsOf: bytes) } catch { throw FeatureJournal.failure(path, error) }
  }

  private static func failure(_ path: String, _ error: any Error) -> IdiolectError {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    let code = cause?.domain == NSPOSIXErrorDomain ? Int32(cause!.code) : errno
    return IdiolectError(
      .inputOutput,
      "\(path): cannot write this file: \(String(cString: strerror(code))); make room and run it again, it goes on from here",
      cause: error)
  }

  private static func object(_ record: Record) -> JSONObject {
    [
      "name": .string(record.name), "shape": .array(record.shape.map { .integer($0) }),
      "valid": .integer(record.valid), "front_end": .string(record.frontEnd),
      "offset": .integer(record.offset), "end": .integer(record.end),
    ]
  }

  /// What an earlier run of the same job noted and is whole: each recording once, one after the other.
  private static func read(
    _ path: String, _ fingerprint: String, from space: Int,
    isWhole: (_ record: Record, _ header: Int) -> Bool
  ) -> [Record] {
    guard let bytes = FileManager.default.contents(atPath: path) else { return [] }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .dropLast()
    let nodes = lines.map { JSONNode(try? JSONValue(parsing: Data($0)), file: path) }
    guard let first = nodes.first, (try? first["fingerprint"].string()) == fingerprint else {
      return []
    }
    var records: [Record] = []
    var names: Set<String> = []
    // Of a recording that is left out here the bytes are missing between its neighbours, which are then left out too;
    // where each has a file of its own, it alone.
    for node in nodes.dropFirst() {
      guard let record = try? record(node), record.isPossible, !names.contains(record.name),
        record.offset >= records.last?.end ?? space,
        isWhole(record, record.offset - (records.last?.end ?? space))
      else { continue }
      names.insert(record.name)
      records.append(record)
    }
    return records
  }

  private static func record(_ node: JSONNode) throws -> Record {
    Record(
      name: try node["name"].string(), shape: try node["shape"].ints(),
      valid: try node["valid"].int(), frontEnd: try node["front_end"].string(),
      offset: try node["offset"].int(), end: try node["end"].int())
  }
}
