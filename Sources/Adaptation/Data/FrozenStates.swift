import Basics
import CKernels
import Foundation
import Synchronization

/// What the frozen part of a network gives for a view of an utterance, in bfloat16: what enters the lowest
/// trainable layer.
package struct HiddenStates: Sendable {
  package let rows: Int
  /// [rows, hidden]
  package let halves: [UInt16]

  /// - Parameter values: [rows, hidden]; rounded.
  package init(rows: Int, rounding values: UnsafePointer<Float>, count: Int) {
    self.rows = rows
    halves = [UInt16](unsafeUninitializedCapacity: count) { buffer, written in
      _ = ck_narrow_bf16(buffer.baseAddress!, values, count)
      written = count
    }
  }

  fileprivate init(rows: Int, halves: [UInt16]) {
    self.rows = rows
    self.halves = halves
  }
}

/// Hidden states on disk, each computed once in a run.
///
/// The file only ever saves time: entries are what computing gives, to the bit, so one that is lost, torn or
/// cannot be written is computed again. It is read, not mapped: a batch is a megabyte to copy, and a file that
/// shrinks is then an entry less and no signal. After a header that names the run follow the entries: item,
/// view, rows, hidden size (32 bits each), a checksum (64 bits), the values.
package final class FrozenStates: @unchecked Sendable {
  // `report` is called by the engine's thread alone, in `add`; the rest is immutable or locked.
  private struct Key: Hashable {
    let item, view: Int
  }

  private struct Place {
    let offset, rows: Int
  }

  private struct State {
    var places: [Key: Place] = [:]
    var end = 0
    var isFull = false
  }

  private let descriptor: Int32
  private let hiddenSize: Int
  private let state: Mutex<State>
  private let report: (String) -> Void
  private static let entryHeader = 24

  /// Opens the file with what an interrupted run left in it, or begins it.
  ///
  /// - Parameters:
  ///   - run: names settings and data; entries of another run are dropped.
  ///   - report: takes the line that says why no more is kept.
  /// - Throws: `.inputOutput`.
  package init(
    path: String, run: String, hiddenSize: Int, report: @escaping (String) -> Void
  ) throws {
    self.hiddenSize = hiddenSize
    self.report = report
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw IdiolectError(
        .inputOutput, "\(path): cannot open this file: \(String(cString: strerror(errno)))")
    }
    let header = Array("idiolect frozen states\n\(SHA256.hash(run.utf8).hex)\n".utf8)
    var state = State()
    state.end = header.count
    if FrozenStates.bytes(descriptor, at: 0, count: header.count) == header {
      FrozenStates.index(descriptor, hiddenSize, &state)
    } else {
      _ = ftruncate(descriptor, 0)
      state.isFull = !FrozenStates.write(header, to: descriptor, at: 0)
    }
    self.state = Mutex(state)
  }

  deinit { close(descriptor) }

  /// How many entries there are.
  package var count: Int { state.withLock { $0.places.count } }

  /// nil for what has to be computed.
  package func read(item: Int, view: Int) -> HiddenStates? {
    let key = Key(item: item, view: view)
    guard let place = state.withLock({ $0.places[key] }) else { return nil }
    let count = place.rows * hiddenSize
    let size = FrozenStates.entryHeader + 2 * count
    if let entry = FrozenStates.bytes(descriptor, at: place.offset, count: size) {
      let halves = entry.withUnsafeBytes { bytes in
        [UInt16](unsafeUninitializedCapacity: count) { buffer, written in
          UnsafeMutableRawBufferPointer(buffer).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[FrozenStates.entryHeader...]))
          written = count
        }
      }
      let states = HiddenStates(rows: place.rows, halves: halves)
      if entry.prefix(FrozenStates.entryHeader).elementsEqual(header(key, states)) { return states }
    }
    state.withLock { $0.places[key] = nil }
    return nil
  }

  /// Keeps an entry, unless it is there already or the disk is full.
  package func add(_ states: HiddenStates, item: Int, view: Int) {
    let key = Key(item: item, view: view)
    let entry = header(key, states) + states.halves.withUnsafeBytes { Array($0) }
    let cause: String? = state.withLock {
      guard !$0.isFull, $0.places[key] == nil else { return nil }
      guard FrozenStates.write(entry, to: descriptor, at: $0.end) else {
        let cause = String(cString: strerror(errno))
        $0.isFull = true
        _ = ftruncate(descriptor, off_t($0.end))
        return cause
      }
      $0.places[key] = Place(offset: $0.end, rows: states.rows)
      $0.end += entry.count
      return nil
    }
    if let cause {
      report("no more of the frozen layers' output can be kept (\(cause)): it is computed again")
    }
  }

  private func header(_ key: Key, _ states: HiddenStates) -> [UInt8] {
    var hash = FNVHash()
    for half in states.halves { hash.combine(UInt64(half)) }
    let numbers = [key.item, key.view, states.rows, hiddenSize].map {
      UInt32(truncatingIfNeeded: $0)
    }
    return numbers.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
      + withUnsafeBytes(of: hash.value.littleEndian, Array.init)
  }

  /// Finds the entries; after one that is cut off, or was not written whole, nothing counts.
  private static func index(_ descriptor: Int32, _ hiddenSize: Int, _ state: inout State) {
    let size = Int(lseek(descriptor, 0, SEEK_END))
    while let header = bytes(descriptor, at: state.end, count: entryHeader) {
      let numbers = stride(from: 0, to: 16, by: 4).map { at in
        (0..<4).reduce(0) { $0 | Int(header[at + $1]) << (8 * $1) }
      }
      let length = entryHeader + 2 * numbers[2] * hiddenSize
      guard numbers[3] == hiddenSize, numbers[2] > 0, length <= size - state.end else { break }
      state.places[Key(item: numbers[0], view: numbers[1])] = Place(
        offset: state.end, rows: numbers[2])
      state.end += length
    }
    _ = ftruncate(descriptor, off_t(state.end))
  }

  private static func bytes(_ descriptor: Int32, at offset: Int, count: Int) -> [UInt8]? {
    let found = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
      while written < count {
        let read = pread(
          descriptor, buffer.baseAddress! + written, count - written, off_t(offset + written))
        if read < 0 && errno == EINTR { continue }
        guard read > 0 else { return }
        written += read
      }
    }
    return found.count == count ? found : nil
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, at offset: Int) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let written = pwrite(
          descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return false }
        done += written
      }
      return true
    }
  }
}
