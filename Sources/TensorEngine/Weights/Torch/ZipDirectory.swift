/// What a zip archive says it holds, its members stored as they are: where each lies in the file.
///
/// Format: PKWARE's APPNOTE 6.3, with the 64-bit records that PyTorch writes for large files.
struct ZipDirectory {
  /// By name, in the file.
  private(set) var members: [String: Range<Int>] = [:]

  /// - Parameter copy: gives so many bytes from an offset, all inside the file.
  /// - Throws: `TorchFault`.
  init(size: Int, _ copy: (_ offset: Int, _ count: Int) throws -> [UInt8]) throws {
    // The end record is 22 bytes and a comment of at most 65,535.
    let tailStart = max(0, size - 22 - 65_535)
    let tail = ByteReader(try copy(tailStart, size - tailStart))
    guard
      let place = stride(from: tail.bytes.count - 22, through: 0, by: -1).first(where: {
        tail.uint32(at: $0) == 0x0605_4B50
      })
    else { throw TorchFault("it is no zip archive: it has no directory at its end") }
    var count = Int(try tail.require16(place + 10))
    var (length, start) = (Int(try tail.require32(place + 12)), Int(try tail.require32(place + 16)))
    if count == 0xFFFF || length == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
      // The locator before the end record says where its 64-bit twin is.
      let locator = place - 20
      guard tail.uint32(at: locator) == 0x0706_4B50 else {
        throw TorchFault("its directory is of more than 32 bits, and that record is missing")
      }
      let twin = try tail.require64(locator + 8)
      guard twin >= 0, twin <= size - 56 else {
        throw TorchFault("its directory's 64-bit record lies beyond the file")
      }
      let record = ByteReader(try copy(twin, 56))
      guard record.uint32(at: 0) == 0x0606_4B50 else {
        throw TorchFault("its directory's 64-bit record is damaged")
      }
      count = try record.require64(32)
      (length, start) = (try record.require64(40), try record.require64(48))
    }
    guard start >= 0, length >= 0, start <= size, length <= size - start, length <= 64 << 20,
      count >= 0, count <= length / 46
    else { throw TorchFault("its directory does not lie within the file") }
    let directory = ByteReader(try copy(start, length))
    var offset = 0
    for _ in 0..<count {
      guard directory.uint32(at: offset) == 0x0201_4B50 else {
        throw TorchFault("its directory is damaged")
      }
      let method = try directory.require16(offset + 10)
      var stored = Int(try directory.require32(offset + 20))
      var plain = Int(try directory.require32(offset + 24))
      let nameLength = Int(try directory.require16(offset + 28))
      let extraLength = Int(try directory.require16(offset + 30))
      let commentLength = Int(try directory.require16(offset + 32))
      var header = Int(try directory.require32(offset + 42))
      let name = try directory.text(offset + 46, nameLength)
      // 64-bit sizes follow in this order, each where its 32-bit field is full.
      var extra = offset + 46 + nameLength
      let extraEnd = extra + extraLength
      while extra + 4 <= extraEnd {
        let (id, width) = (
          try directory.require16(extra), Int(try directory.require16(extra + 2))
        )
        if id == 1 {
          var field = extra + 4
          func next() throws -> Int {
            defer { field += 8 }
            guard field + 8 <= extra + 4 + width else {
              throw TorchFault("the entry of '\(name)' is damaged")
            }
            return try directory.require64(field)
          }
          if plain == 0xFFFF_FFFF { plain = try next() }
          if stored == 0xFFFF_FFFF { stored = try next() }
          if header == 0xFFFF_FFFF { header = try next() }
        }
        extra += 4 + width
      }
      guard method == 0, stored == plain else {
        throw TorchFault("'\(name)' is compressed; save the checkpoint with torch.save as it is")
      }
      guard header >= 0, header <= size - 30, stored >= 0 else {
        throw TorchFault("'\(name)' lies beyond the file")
      }
      let local = ByteReader(try copy(header, 30))
      guard local.uint32(at: 0) == 0x0403_4B50 else {
        throw TorchFault("'\(name)' does not lie where the directory says")
      }
      let begin = header + 30 + Int(try local.require16(26)) + Int(try local.require16(28))
      guard begin <= size, stored <= size - begin else {
        throw TorchFault("'\(name)' lies beyond the end of the file; is the download complete?")
      }
      guard members.updateValue(begin..<begin + stored, forKey: name) == nil else {
        throw TorchFault("it holds '\(name)' twice")
      }
      offset += 46 + nameLength + extraLength + commentLength
    }
  }
}

/// Little-endian numbers of bytes, none of which need be there.
struct ByteReader {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func uint32(at offset: Int) -> UInt32? { try? UInt32(number(offset, 4)) }
  func require16(_ offset: Int) throws -> UInt16 { UInt16(try number(offset, 2)) }
  func require32(_ offset: Int) throws -> UInt32 { UInt32(try number(offset, 4)) }

  func require64(_ offset: Int) throws -> Int {
    let value = try number(offset, 8)
    guard value <= UInt64(Int.max) else { throw TorchFault("it holds a size of \(value)") }
    return Int(value)
  }

  func text(_ offset: Int, _ count: Int) throws -> String {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
      throw TorchFault("it ends too early")
    }
    return String(decoding: bytes[offset..<offset + count], as: UTF8.self)
  }

  private func number(_ offset: Int, _ count: Int) throws -> UInt64 {
    guard offset >= 0, offset <= bytes.count, count <= bytes.count - offset else {
      throw TorchFault("it ends too early")
    }
    return (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
  }
}

/// Why a file is no PyTorch checkpoint that can be read.
struct TorchFault: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
