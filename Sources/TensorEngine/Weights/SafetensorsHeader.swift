import Basics
import Foundation

/// The checked contents of a safetensors header.
struct SafetensorsHeader: Sendable {
  var entries: [String: WeightEntry] = [:]
  /// In the order of the data.
  var names: [String] = []
  var metadata: [String: String] = [:]

  /// 100,000 tensors need about 10 MiB.
  static let sizeLimit = 16 << 20

  /// Parses header bytes and checks every claim against the extent of the data.
  ///
  /// - Parameters:
  ///   - dataStart: offset in the file of the first byte after the header.
  ///   - dataSize: bytes from there to the end of the file.
  /// - Throws: `SafetensorsFault`.
  init(parsing bytes: [UInt8], dataStart: Int, dataSize: Int) throws {
    // The format wants the brace first; leading space would hide a second reading.
    guard bytes.first == UInt8(ascii: "{") else { throw SafetensorsFault.headerNotAnObject }
    for (name, value) in try Self.members(of: bytes) {
      if name == "__metadata__" {
        metadata = try Self.strings(value)
        continue
      }
      // Names that differ only in canonical form would meet in one dictionary slot.
      guard entries[name] == nil else { throw SafetensorsFault.duplicateName(name) }
      entries[name] = try Self.entry(name, value, dataStart: dataStart, dataSize: dataSize)
    }
    try orderAndCover(dataStart: dataStart, dataSize: dataSize)
  }

  private static func members(of bytes: [UInt8]) throws -> [(String, JSONValue)] {
    do {
      // An entry is three levels deep: object, entry, array.
      let value = try bytes.withUnsafeBytes { try JSONValue(parsing: $0, depthLimit: 8) }
      guard case .object(let object) = value else { throw SafetensorsFault.headerNotAnObject }
      return Array(object.members)
    } catch let fault as JSONFault {
      switch fault {
      case .notUTF8: throw SafetensorsFault.headerNotUTF8
      case .tooDeep: throw SafetensorsFault.headerTooDeep
      case .duplicateKey(let key, _): throw SafetensorsFault.duplicateName(key)
      case .malformed(let why, _): throw SafetensorsFault.headerNotJSON(why)
      }
    }
  }

  private static func strings(_ value: JSONValue) throws -> [String: String] {
    guard case .object(let object) = value else { throw SafetensorsFault.metadataNotStrings }
    var result: [String: String] = [:]
    for (key, value) in object.members {
      guard case .string(let text) = value else { throw SafetensorsFault.metadataNotStrings }
      result[key] = text
    }
    return result
  }

  private static func entry(
    _ name: String, _ value: JSONValue, dataStart: Int, dataSize: Int
  ) throws -> WeightEntry {
    guard case .object = value else {
      throw SafetensorsFault.malformedEntry(name, why: "is \(value.kind), should be an object")
    }
    guard case .string(let typeName)? = value["dtype"] else {
      throw SafetensorsFault.malformedEntry(name, why: "has no dtype")
    }
    guard let type = SafetensorsType(rawValue: typeName) else {
      throw SafetensorsFault.unknownType(name, type: typeName)
    }
    let shape = try sizes(value["shape"], "shape", of: name)
    let offsets = try sizes(value["data_offsets"], "data_offsets", of: name)
    guard offsets.count == 2 else {
      throw SafetensorsFault.malformedEntry(name, why: "has \(offsets.count) data_offsets, not 2")
    }
    guard offsets[0] <= offsets[1] else { throw SafetensorsFault.offsetsReversed(name) }
    var bytes = type.size
    for size in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
      guard !overflow else { throw SafetensorsFault.shapeTooLarge(name) }
      bytes = product
    }
    guard offsets[1] - offsets[0] == bytes else {
      throw SafetensorsFault.sizeMismatch(
        name, shape: shape, needs: bytes, has: offsets[1] - offsets[0])
    }
    guard offsets[1] <= dataSize else { throw SafetensorsFault.outsideFile(name) }
    return .init(
      type: type, shape: shape, byteRange: dataStart + offsets[0]..<dataStart + offsets[1])
  }

  /// An array of integers that are not negative.
  private static func sizes(_ value: JSONValue?, _ what: String, of name: String) throws -> [Int] {
    guard case .array(let elements)? = value else {
      throw SafetensorsFault.malformedEntry(name, why: "has no \(what)")
    }
    return try elements.map { element in
      guard case .integer(let size) = element, size >= 0 else {
        throw SafetensorsFault.malformedEntry(
          name, why: "has \(what) that are not whole numbers from 0 up")
      }
      return size
    }
  }

  /// Every byte of the data belongs to exactly one tensor.
  private mutating func orderAndCover(dataStart: Int, dataSize: Int) throws {
    let sorted = entries.sorted {
      ($0.value.byteRange.lowerBound, $0.value.byteRange.upperBound, $0.key)
        < ($1.value.byteRange.lowerBound, $1.value.byteRange.upperBound, $1.key)
    }
    var end = dataStart
    for (index, (name, entry)) in sorted.enumerated() {
      let begin = entry.byteRange.lowerBound
      // The first begins at or after `end`, so an overlap has a predecessor.
      guard begin >= end else { throw SafetensorsFault.overlap(sorted[index - 1].key, name) }
      guard begin == end else { throw SafetensorsFault.gap(before: name, bytes: begin - end) }
      end = entry.byteRange.upperBound
    }
    guard end == dataStart + dataSize else {
      throw SafetensorsFault.uncoveredEnd(bytes: dataStart + dataSize - end)
    }
    names = sorted.map(\.key)
  }
}
