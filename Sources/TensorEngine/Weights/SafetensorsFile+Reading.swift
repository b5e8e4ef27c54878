import Basics
import CKernels

extension SafetensorsFile {
  /// A tensor's elements, row-major: F32, F16, BF16 or F64 as float32.
  ///
  /// - Throws: `IdiolectError` `.invalidModel`: no such tensor, a type that is not floating point, or a file that
  ///   became shorter.
  public func readFloats(_ name: String) throws -> [Float] {
    let entry = try entry(name)
    try requireFloating(name, entry)
    // The standard library writes to the one empty array that all threads share: to be left alone.
    guard entry.count > 0 else { return [] }
    return try [Float](unsafeUninitializedCapacity: entry.count) { buffer, count in
      try readFloats(name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<entry.count]))
      count = entry.count
    }
  }

  /// Fills `destination`, which has exactly the tensor's count of elements; see `readFloats(_:)`.
  public func readFloats(
    _ name: String, into destination: UnsafeMutableBufferPointer<Float>
  ) throws {
    let entry = try entry(name)
    try requireFloating(name, entry)
    precondition(
      destination.count == entry.count,
      "'\(name)' of shape \(entry.shape) into \(destination.count) elements")
    guard let target = destination.baseAddress, entry.count > 0 else { return }
    try Self.naming(path) {
      switch entry.type {
      case .float16:
        try widen(entry, UInt16.self) { ck_widen_f16(target + $0, $1, $2) }
      case .bfloat16:
        try widen(entry, UInt16.self) { ck_widen_bf16(target + $0, $1, $2) }
      case .float64:
        try widen(entry, Double.self) { ck_narrow_f64(target + $0, $1, $2) }
      default:
        try map.copy(
          from: entry.byteRange.lowerBound, into: UnsafeMutableRawBufferPointer(destination))
      }
    }
  }

  /// A tensor's elements, row-major: any integer type or BOOL.
  ///
  /// - Throws: `IdiolectError` `.invalidModel`: no such tensor, a type that is not an integer, a U64 that does not
  ///   fit, or a file that became shorter.
  public func readInt64s(_ name: String) throws -> [Int64] {
    let entry = try entry(name)
    return try Self.naming(path) {
      switch entry.type {
      case .bool, .uint8: try integers(entry, UInt8.self) { Int64($0) }
      case .int8: try integers(entry, Int8.self) { Int64($0) }
      case .uint16: try integers(entry, UInt16.self) { Int64($0) }
      case .int16: try integers(entry, Int16.self) { Int64($0) }
      case .uint32: try integers(entry, UInt32.self) { Int64($0) }
      case .int32: try integers(entry, Int32.self) { Int64($0) }
      case .int64: try integers(entry, Int64.self) { $0 }
      case .uint64:
        try integers(entry, UInt64.self) { value in
          guard let signed = Int64(exactly: value) else {
            throw IdiolectError(
              .invalidModel, "\(path): tensor '\(name)' holds \(value), too large for 64-bit signed"
            )
          }
          return signed
        }
      default:
        throw IdiolectError(
          .invalidModel,
          "\(path): tensor '\(name)' is \(entry.type.rawValue), an integer type is needed")
      }
    }
  }

  private func requireFloating(_ name: String, _ entry: Entry) throws {
    switch entry.type {
    case .float16, .bfloat16, .float32, .float64: return
    default:
      throw IdiolectError(
        .invalidModel,
        "\(path): tensor '\(name)' is \(entry.type.rawValue), but F32, F16, BF16 or F64 is needed")
    }
  }

  /// Copies an entry out of the map block by block, so that a block is converted while it is in the cache.
  private func widen<Stored: BitwiseCopyable>(
    _ entry: Entry, _: Stored.Type,
    _ convert: (_ first: Int, UnsafePointer<Stored>, _ count: Int) throws -> Void
  ) throws {
    let block = 16_384
    try withUnsafeTemporaryAllocation(of: Stored.self, capacity: min(block, entry.count)) {
      scratch in
      var first = 0
      while first < entry.count {
        let count = min(block, entry.count - first)
        try map.copy(
          from: entry.byteRange.lowerBound + first * MemoryLayout<Stored>.size,
          into: UnsafeMutableRawBufferPointer(
            start: scratch.baseAddress, count: count * MemoryLayout<Stored>.size))
        try convert(first, scratch.baseAddress!, count)
        first += count
      }
    }
  }

  private func integers<Stored: BitwiseCopyable>(
    _ entry: Entry, _: Stored.Type, _ convert: (Stored) throws -> Int64
  ) throws -> [Int64] {
    var result: [Int64] = []
    result.reserveCapacity(entry.count)
    guard entry.count > 0 else { return result }
    try widen(entry, Stored.self) { _, source, count in
      for index in 0..<count { result.append(try convert(source[index])) }
    }
    return result
  }
}
