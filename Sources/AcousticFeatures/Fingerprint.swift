import Basics
import Foundation

/// `name-` and 16 hexadecimal digits that every setting of `configuration` goes into.
///
/// The 64-bit FNV-1a hash (Fowler, Noll, Vo 1991) of the configuration as JSON with sorted keys: unsorted, their order
/// differs from process to process, and so would the digits.
package func stableFingerprint(_ name: String, _ configuration: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys]
  // Configurations hold finite numbers, strings and flags, which always encode.
  let bytes = (try? encoder.encode(configuration)) ?? Data()
  var hash = FNVHash()
  hash.combine(bytes: bytes)
  return "\(name)-\(hash.hexadecimal)"
}
