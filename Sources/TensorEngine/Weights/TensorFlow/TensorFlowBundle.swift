import Basics
import Foundation

/// The variables of a TensorFlow checkpoint: an `.index` that names them, and files of data that stay mapped.
public struct TensorFlowBundle: Sendable {
  /// By part of the data; those without a variable too.
  public let files: [any WeightFile]

  /// - Parameter prefix: of `prefix.index` and `prefix.data-00000-of-00001`.
  /// - Throws: `.notFound`, `.inputOutput`, or `.invalidModel` that names the file and what is wrong with it.
  public init(prefix: String) throws {
    let index = "\(prefix).index"
    let (entries, count) = try TensorFlowShard.naming(index) { try Self.entries(index) }
    files = try (0..<count).map { shard in
      func digits(_ number: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, 5 - text.count)) + text
      }
      return try TensorFlowShard(
        path: "\(prefix).data-\(digits(shard))-of-\(digits(count))", entries[shard] ?? [:])
    }
  }

  /// The prefix of the newest checkpoint in a directory: what its file `checkpoint` names, or the last by name; nil
  /// where there is none.
  public static func newest(in directory: String) -> String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let prefixes = names.filter { $0.hasSuffix(".index") }.map { String($0.dropLast(6)) }.sorted()
    let note = FileManager.default.contents(atPath: "\(directory)/checkpoint").map {
      String(decoding: $0.prefix(1 << 16), as: UTF8.self)
    }
    let parts = note?.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
    // It may name the path of the machine that trained.
    let named = parts.flatMap {
      $0.count > 1 ? $0[1].split(separator: "/").last.map(String.init) : nil
    }
    return (named.flatMap { prefixes.contains($0) ? $0 : nil } ?? prefixes.last)
      .map { "\(directory)/\($0)" }
  }

  /// An index is names and sizes.
  private static let indexLimit = 64 << 20
  private static let shardLimit = 4096

  private static func entries(_ path: String) throws -> ([Int: [String: Variable]], Int) {
    let map = try MappedFile(path: path)
    guard map.size <= indexLimit else {
      throw ArchiveFault("it has \(map.size >> 20) MiB, more than is sensible")
    }
    var bytes = [UInt8](repeating: 0, count: map.size)
    try bytes.withUnsafeMutableBytes { try map.copy(from: 0, into: $0) }
    var (found, shards): ([Int: [String: Variable]], Int) = ([:], 1)
    for (name, value) in try TensorFlowTable(bytes).entries {
      if name.isEmpty {
        var header = ByteCursor(value)
        while let (number, value, _) = try header.field() {
          if number == 1 { shards = value }
          if number == 2, value != 0 { throw ArchiveFault("its numbers are big-endian") }
        }
        guard (1...shardLimit).contains(shards) else {
          throw ArchiveFault("it is in \(shards) parts, which makes no sense")
        }
      } else if let (shard, variable) = try variable(name, value) {
        found[shard, default: [:]][name] = variable
      }
    }
    guard found.keys.allSatisfy({ (0..<shards).contains($0) }) else {
      throw ArchiveFault("a variable lies in a part that there is not")
    }
    return (found, shards)
  }

  /// nil for what is no tensor of numbers.
  private static func variable(
    _ name: String, _ value: ArraySlice<UInt8>
  ) throws -> (shard: Int, variable: Variable)? {
    var (type, shape, shard, offset, size): (SafetensorsType?, [Int], Int, Int, Int) = (
      nil, [], 0, 0, 0
    )
    var sum: UInt32 = 0
    var cursor = ByteCursor(value)
    while let (number, value, bytes) = try cursor.field() {
      switch number {
      case 1: type = Self.type(value)
      case 2: shape = try Self.shape(bytes)
      case 3: shard = value
      case 4: offset = value
      case 5: size = value
      case 6: sum = UInt32(truncatingIfNeeded: value)
      default: break
      }
    }
    guard let type else { return nil }
    let (bytes, overflow) = shape.reduce((type.size, false)) { partial, size in
      let (product, overflow) = partial.0.multipliedReportingOverflow(by: size)
      return (product, partial.1 || overflow || size < 0)
    }
    guard !overflow, bytes == size, offset <= Int.max - size else {
      throw ArchiveFault("'\(name)' has \(size) bytes, which its shape \(shape) does not make")
    }
    let entry = WeightEntry(type: type, shape: shape, byteRange: offset..<offset + size)
    return (shard, Variable(entry: entry, sum: sum))
  }

  private static func shape(_ bytes: ArraySlice<UInt8>) throws -> [Int] {
    var (cursor, shape): (ByteCursor, [Int]) = (ByteCursor(bytes), [])
    while let (number, _, bytes) = try cursor.field() {
      guard number == 2 else { continue }
      var (dimension, size) = (ByteCursor(bytes), 0)
      while let (number, value, _) = try dimension.field() { if number == 1 { size = value } }
      shape.append(size)
    }
    return shape
  }

  /// TensorFlow's numbers of types.
  private static func type(_ number: Int) -> SafetensorsType? {
    [
      1: .float32, 2: .float64, 3: .int32, 4: .uint8, 5: .int16, 6: .int8, 9: .int64, 10: .bool,
      14: .bfloat16, 17: .uint16, 19: .float16, 22: .uint32, 23: .uint64,
    ][number]
  }
}

/// What an index says of one variable.
private struct Variable {
  let entry: WeightEntry
  /// Of its bytes; TensorFlow opens none without.
  let sum: UInt32
}

/// One part of a checkpoint's data.
private struct TensorFlowShard: MappedTensors {
  let path: String
  let entries: [String: WeightEntry]
  private let sums: [String: UInt32]
  let map: MappedFile

  var names: [String] {
    entries.sorted { $0.value.byteRange.lowerBound < $1.value.byteRange.lowerBound }.map(\.key)
  }
  var metadata: [String: String] { [:] }

  init(path: String, _ variables: [String: Variable]) throws {
    self.path = path
    let entries = variables.mapValues(\.entry)
    (self.entries, sums) = (entries, variables.mapValues(\.sum))
    map = try Self.naming(path) {
      let map = try MappedFile(path: path)
      if let (name, _) = entries.first(where: { $0.value.byteRange.upperBound > map.size }) {
        throw ArchiveFault("'\(name)' lies beyond its end; is the download complete?")
      }
      return map
    }
  }

  /// By the sum of its bytes.
  func verify(_ name: String, _ entry: WeightEntry) throws {
    var sum = Checksum()
    let block = 1 << 18
    try withUnsafeTemporaryAllocation(byteCount: block, alignment: 64) { scratch in
      for start in stride(
        from: entry.byteRange.lowerBound, to: entry.byteRange.upperBound, by: block)
      {
        let part = UnsafeMutableRawBufferPointer(
          rebasing: scratch[..<min(block, entry.byteRange.upperBound - start)])
        try map.copy(from: start, into: part)
        sum.add(UnsafeRawBufferPointer(part))
      }
    }
    guard sum.masked == sums[name] else {
      throw ArchiveFault("the bytes of '\(name)' do not make its sum: it is damaged; copy it again")
    }
  }

  static func naming<T>(_ path: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let fault as ArchiveFault {
      throw IdiolectError(
        .invalidModel, "\(path): not a TensorFlow checkpoint that can be read: \(fault.message)")
    } catch let fault as SafetensorsFault {
      throw IdiolectError(.invalidModel, "\(path): cannot be read: \(fault)", cause: fault)
    }
  }
}
