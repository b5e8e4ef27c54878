import Foundation

/// `name-` and 16 hexadecimal digits that every setting of `configuration` goes into.
///
/// The 64-bit FNV-1a hash (Fowler, Noll, Vo 1991) of the configuration as JSON with sorted keys.
func stableFingerprint(_ name: String, _ configuration: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys]
  // Configurations hold finite numbers, strings and flags, which always encode.
  let bytes = (try? encoder.encode(configuration)) ?? Data()
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for byte in bytes {
    hash ^= UInt64(byte)
    hash &*= 0x100_0000_01B3
  }
  let digits = String(hash, radix: 16)
  return "\(name)-" + String(repeating: "0", count: 16 - digits.count) + digits
}
