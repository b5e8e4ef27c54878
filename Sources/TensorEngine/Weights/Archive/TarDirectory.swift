import Basics

/// Where the members of a tar archive lie: ustar, with the long names of POSIX (pax) and GNU.
struct TarDirectory {
  /// Where each regular file's bytes are; names without a leading "./".
  private(set) var members: [String: Range<Int>] = [:]

  private static let block = 512
  /// A model has a handful of files.
  private static let memberLimit = 10_000
  /// Of a name or of a pax header.
  private static let nameLimit = 1 << 16

  /// - Parameters:
  ///   - size: of the archive.
  ///   - bytes: so many from an offset.
  /// - Throws: `ArchiveFault`; what `bytes` throws.
  init(size: Int, bytes: (_ offset: Int, _ count: Int) throws -> [UInt8]) throws {
    var (offset, longName): (Int, String?) = (0, nil)
    while offset + Self.block <= size {
      let header = try bytes(offset, Self.block)
      if header.allSatisfy({ $0 == 0 }) { break }
      guard Self.checks(header) else {
        throw ArchiveFault("byte \(offset) is no header of a tar archive")
      }
      let start = offset + Self.block
      guard let length = Self.number(header[124..<136]), length <= size - start else {
        throw ArchiveFault("the member at byte \(offset) lies beyond its end: is it truncated?")
      }
      func content() throws -> [UInt8] {
        guard length <= Self.nameLimit else {
          throw ArchiveFault("the member at byte \(offset) has a name of \(length) bytes")
        }
        return try bytes(start, length)
      }
      switch header[156] {
      case UInt8(ascii: "L"): longName = Self.text(try content()[...])
      case UInt8(ascii: "x"): longName = Self.path(try content()) ?? longName
      case UInt8(ascii: "0"), 0:
        var name = longName ?? Self.name(header)
        if name.hasPrefix("./") { name.removeFirst(2) }
        members[name] = start..<start + length
        longName = nil
      // Folders, links and what only describes.
      default: longName = nil
      }
      guard members.count <= Self.memberLimit else { throw ArchiveFault("it has too many members") }
      offset = start + (length + Self.block - 1) / Self.block * Self.block
    }
  }

  /// Whether the header's own sum is right.
  private static func checks(_ header: [UInt8]) -> Bool {
    let sum = header.enumerated().reduce(0) {
      $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element))
    }
    return number(header[148..<156]) == sum
  }

  /// Octal digits, or base 256 where the first bit is set; nil for neither, or too large.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80, field.dropFirst().dropLast(7).allSatisfy({ $0 == 0 }) else { return nil }
      return field.suffix(7).reduce(0) { $0 << 8 | Int($1) }
    }
    let digits = field.drop { $0 == 32 }.prefix { (48...55).contains($0) }
    guard !digits.isEmpty, digits.count <= 12 else { return digits.isEmpty ? 0 : nil }
    return digits.reduce(0) { $0 << 3 | Int($1 - 48) }
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  private static func name(_ header: [UInt8]) -> String {
    let name = text(header[0..<100])
    let isPOSIX = header[257..<262].elementsEqual("ustar".utf8) && header[262] == 0
    let prefix = isPOSIX ? text(header[345..<500]) : ""
    return prefix.isEmpty ? name : "\(prefix)/\(name)"
  }

  /// The `path` of a pax header: lines of "length key=value".
  private static func path(_ header: [UInt8]) -> String? {
    for line in header.split(separator: UInt8(ascii: "\n")) {
      guard let space = line.firstIndex(of: UInt8(ascii: " ")) else { continue }
      let record = line[line.index(after: space)...]
      if record.starts(with: "path=".utf8) {
        return String(decoding: record.dropFirst(5), as: UTF8.self)
      }
    }
    return nil
  }
}

/// Why an archive cannot be read; whoever names the file turns it into an error.
struct ArchiveFault: Error {
  let message: String
  init(_ message: String) { self.message = message }
}
