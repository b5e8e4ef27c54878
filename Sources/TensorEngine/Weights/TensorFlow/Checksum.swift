/// CRC-32C, turned as LevelDB and TensorFlow keep it beside data that hold sums themselves.
struct Checksum {
  private var state = UInt32.max

  var masked: UInt32 {
    let sum = ~state
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  /// The sum of what came before, with these bytes after it.
  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let whole = bytes.count / 8 * 8
    state = Self.tables.withUnsafeBufferPointer { tables in
      var state = state
      for offset in stride(from: 0, to: whole, by: 8) {
        let word =
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
          ^ UInt64(state)
        state = 0
        for byte in 0..<8 {
          state ^= tables[(7 &- byte) &* 256 &+ Int(truncatingIfNeeded: word >> (8 &* byte) & 0xFF)]
        }
      }
      for byte in bytes[whole...] {
        state = tables[Int((state ^ UInt32(byte)) & 0xFF)] ^ state >> 8
      }
      return state
    }
  }

  /// For eight bytes at once (Kounavis and Berry 2005): what a byte does to the sum that 0 … 7 others follow.
  private static let tables: [UInt32] = {
    var tables = (0..<256).map { (byte: UInt32) -> UInt32 in
      var value = byte
      for _ in 0..<8 { value = value & 1 == 1 ? 0x82F6_3B78 ^ value >> 1 : value >> 1 }
      return value
    }
    for index in 256..<8 * 256 {
      let before = tables[index - 256]
      tables.append(tables[Int(before & 0xFF)] ^ before >> 8)
    }
    return tables
  }()
}
