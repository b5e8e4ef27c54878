/// The 64-bit FNV-1a hash: Fowler, Noll, Vo 1991. The same everywhere and always, unlike `Hasher`.
package struct FNVHash: Sendable {
  package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  /// Takes in one number; those of the original are bytes.
  package mutating func combine(_ number: UInt64) { value = (value ^ number) &* 0x100_0000_01B3 }

  package mutating func combine(bytes: some Sequence<UInt8>) {
    for byte in bytes { combine(UInt64(byte)) }
  }

  /// 16 hexadecimal digits.
  package var hexadecimal: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
