import Basics
import Foundation

/// `name-` and 16 hexadecimal digits that every setting of `configuration` goes into.
///
/// The 64-bit FNV-1a hash (Fowler, Noll, Vo 1991) of the configuration as JSON with sorted keys.
func stableFingerprint(_ name: String, _ configuration: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys]
  // Configurations hold finite numbers, strings and flags, which always encode.
  let bytes = (try? encoder.encode(configuration)) ?? Data()
  var hash = FNVHash()
  for byte in bytes { hash.combine(UInt64(byte)) }
  let digits = String(hash.value, radix: 16)
  return "\(name)-" + String(repeating: "0", count: 16 - digits.count) + digits
}
