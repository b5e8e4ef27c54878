/// The sorted table of keys and values that a TensorFlow checkpoint's `.index` is, as LevelDB lays it out.
struct TensorFlowTable {
  private(set) var entries: [(key: String, value: ArraySlice<UInt8>)] = []

  private static let footer = 48
  private static let magic: UInt64 = 0xDB47_7524_8B80_FB57
  /// A checkpoint has some hundred tensors.
  private static let entryLimit = 1 << 20
  private static let keyLimit = 4096

  /// - Throws: `ArchiveFault`.
  init(_ bytes: [UInt8]) throws {
    guard bytes.count >= Self.footer else { throw ArchiveFault("it is too short for a table") }
    var tail = ByteCursor(bytes[(bytes.count - Self.footer)...])
    guard bytes.suffix(8).reversed().reduce(0, { $0 << 8 | UInt64($1) }) == Self.magic else {
      throw ArchiveFault("it does not end as a table of TensorFlow's does")
    }
    // First where the index of the metadata lies, which is empty.
    _ = try tail.block()
    for (_, place) in try Self.block(bytes, tail.block()) {
      var cursor = ByteCursor(place)
      for (key, value) in try Self.block(bytes, cursor.block()) {
        entries.append((String(decoding: key, as: UTF8.self), value))
        guard entries.count <= Self.entryLimit else {
          throw ArchiveFault("it has too many entries")
        }
      }
    }
  }

  /// Keys that share their beginnings with the one before, and values; then where whole keys are; then how it is
  /// compressed, and a sum.
  private static func block(
    _ bytes: [UInt8], _ place: Range<Int>
  ) throws -> [(key: [UInt8], value: ArraySlice<UInt8>)] {
    guard place.upperBound <= bytes.count - 5, place.count >= 4 else {
      throw ArchiveFault("a block lies beyond its end")
    }
    guard bytes[place.upperBound] == 0 else { throw ArchiveFault("a block is compressed") }
    var sum = ByteCursor(bytes[(place.upperBound + 1)...])
    var own = Checksum()
    bytes.withUnsafeBytes { own.add(.init(rebasing: $0[place.lowerBound...place.upperBound])) }
    guard try sum.fixed32() == own.masked else {
      throw ArchiveFault("a block's sum is wrong: it is damaged")
    }
    var last = ByteCursor(bytes[(place.upperBound - 4)..<place.upperBound])
    let (size, overflow) = Int(try last.fixed32()).multipliedReportingOverflow(by: 4)
    guard !overflow, size <= place.count - 4 else {
      throw ArchiveFault("a block has no room for its keys")
    }
    var cursor = ByteCursor(bytes[place.lowerBound..<place.upperBound - 4 - size])
    var (found, key): ([(key: [UInt8], value: ArraySlice<UInt8>)], [UInt8]) = ([], [])
    while !cursor.isAtEnd {
      let (shared, own, length) = (try cursor.varint(), try cursor.varint(), try cursor.varint())
      guard shared <= key.count else { throw ArchiveFault("a key continues one that is shorter") }
      guard own <= keyLimit - shared else { throw ArchiveFault("a key is too long for a name") }
      key = Array(key[..<shared]) + (try cursor.bytes(own))
      found.append((key, try cursor.bytes(length)))
      guard found.count <= entryLimit else { throw ArchiveFault("it has too many entries") }
    }
    return found
  }
}

/// Reads numbers one after another.
struct ByteCursor {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func bytes(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= rest.count else { throw ArchiveFault("it ends too early") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  /// Seven bits a byte, the lowest first.
  mutating func varint() throws -> Int {
    var (value, shift) = (UInt64(0), UInt64(0))
    while shift < 63 {
      guard let byte = rest.popFirst() else { throw ArchiveFault("it ends too early") }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return Int(value) }
      shift += 7
    }
    throw ArchiveFault("a number has too many bytes")
  }

  mutating func fixed32() throws -> UInt32 {
    try bytes(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Where a block of a table lies: offset and size.
  mutating func block() throws -> Range<Int> {
    let (offset, size) = (try varint(), try varint())
    guard offset <= Int.max - size else { throw ArchiveFault("a block lies beyond its end") }
    return offset..<offset + size
  }

  /// The next field of a protocol buffer: its number and its content, a number or bytes; nil at the end.
  mutating func field() throws -> (number: Int, value: Int, bytes: ArraySlice<UInt8>)? {
    if isAtEnd { return nil }
    let tag = try varint()
    switch tag & 7 {
    case 0: return (tag >> 3, try varint(), [])
    case 1: return (tag >> 3, 0, try bytes(8))
    case 2: return (tag >> 3, 0, try bytes(varint()))
    case 5: return (tag >> 3, Int(try fixed32()), [])
    default: throw ArchiveFault("a field is of a kind that is not known")
    }
  }
}
