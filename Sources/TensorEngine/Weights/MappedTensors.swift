import Basics
import CKernels

/// What a file says of one tensor.
public struct WeightEntry: Sendable, Hashable {
  public let type: SafetensorsType
  public let shape: [Int]
  /// In the file, from its first element to its last.
  public let byteRange: Range<Int>
  /// Elements from one to the next along each axis, of a tensor that does not lie row-major; nil for one that does.
  var strides: [Int]?

  /// The number of elements; 1 for a scalar, whose shape is empty.
  public var count: Int { shape.reduce(1, *) }
}

/// A file of named tensors in one of the layouts that can be read.
public protocol WeightFile: Sendable {
  var path: String { get }
  var entries: [String: WeightEntry] { get }
  /// In the order of the file.
  var names: [String] { get }
  var metadata: [String: String] { get }

  /// A tensor's elements, row-major: F32, F16, BF16 or F64 as float32.
  ///
  /// - Throws: `IdiolectError` `.invalidModel`: no such tensor, a type that is not floating point, or a file that
  ///   became shorter.
  func readFloats(_ name: String) throws -> [Float]
  /// Fills `destination`, which has exactly the tensor's count of elements; see `readFloats(_:)`.
  func readFloats(_ name: String, into destination: UnsafeMutableBufferPointer<Float>) throws
  /// A tensor's elements, row-major: any integer type or BOOL.
  ///
  /// - Throws: `IdiolectError` `.invalidModel`: no such tensor, a type that is not an integer, a U64 that does not
  ///   fit, or a file that became shorter.
  func readInt64s(_ name: String) throws -> [Int64]
}

extension WeightFile {
  /// The entry of a tensor.
  ///
  /// - Throws: `IdiolectError` `.invalidModel` when there is none.
  public func entry(_ name: String) throws -> WeightEntry {
    guard let entry = entries[name] else {
      throw IdiolectError(.invalidModel, "\(path): has no tensor '\(name)'")
    }
    return entry
  }
}

/// A file whose bytes are mapped into memory: tensors are copied out, widened to float32, when asked for.
protocol MappedTensors: WeightFile {
  var map: MappedFile { get }
  /// Whether a tensor's bytes are as they were written, of files that can tell.
  ///
  /// - Throws: what `naming` makes an error of.
  func verify(_ name: String, _ entry: WeightEntry) throws
  /// Runs `body`; a fault in it becomes an error that names the file.
  static func naming<T>(_ path: String, _ body: () throws -> T) throws -> T
}

extension MappedTensors {
  func verify(_ name: String, _ entry: WeightEntry) throws {}

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
      try verify(name, entry)
      guard let strides = entry.strides else {
        try floats(entry, to: target)
        return
      }
      let span = entry.span
      let values = try [Float](unsafeUninitializedCapacity: span.count) { buffer, count in
        try floats(span, to: buffer.baseAddress!)
        count = span.count
      }
      entry.forEachPlace(strides) { destination[$0] = values[$1] }
    }
  }

  private func floats(_ entry: WeightEntry, to target: UnsafeMutablePointer<Float>) throws {
    switch entry.type {
    case .float16:
      try widen(entry, UInt16.self) { ck_widen_f16(target + $0, $1, $2) }
    case .bfloat16:
      try widen(entry, UInt16.self) { ck_widen_bf16(target + $0, $1, $2) }
    case .float64:
      try widen(entry, Double.self) { ck_narrow_f64(target + $0, $1, $2) }
    default:
      try map.copy(
        from: entry.byteRange.lowerBound,
        into: UnsafeMutableRawBufferPointer(start: target, count: entry.byteRange.count))
    }
  }

  public func readInt64s(_ name: String) throws -> [Int64] {
    let entry = try entry(name)
    return try Self.naming(path) {
      try verify(name, entry)
      return switch entry.type {
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

  private func requireFloating(_ name: String, _ entry: WeightEntry) throws {
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
    _ entry: WeightEntry, _: Stored.Type,
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
    _ entry: WeightEntry, _: Stored.Type, _ convert: (Stored) throws -> Int64
  ) throws -> [Int64] {
    var result: [Int64] = []
    let span = entry.span
    result.reserveCapacity(span.count)
    guard entry.count > 0 else { return result }
    try widen(span, Stored.self) { _, source, count in
      for index in 0..<count { result.append(try convert(source[index])) }
    }
    guard let strides = entry.strides else { return result }
    var turned = [Int64](repeating: 0, count: entry.count)
    entry.forEachPlace(strides) { turned[$0] = result[$1] }
    return turned
  }
}

extension WeightEntry {
  /// All that lies between the first element and the last.
  fileprivate var span: WeightEntry {
    WeightEntry(type: type, shape: [byteRange.count / type.size], byteRange: byteRange)
  }

  /// Hands over each element's number, row-major, and where it lies in the span.
  ///
  /// - Precondition: there are elements, and whoever made this saw that all lie in `byteRange`.
  fileprivate func forEachPlace(_ strides: [Int], _ body: (_ index: Int, _ place: Int) -> Void) {
    let (width, step, outer) = (shape.last!, strides.last!, shape.count - 1)
    var (row, position) = (0, [Int](repeating: 0, count: outer))
    for first in stride(from: 0, to: count, by: width) {
      for column in 0..<width { body(first + column, row + column * step) }
      // The next along the lowest axis that has one.
      for axis in (0..<outer).reversed() {
        position[axis] += 1
        row += strides[axis]
        if position[axis] < shape[axis] { break }
        row -= position[axis] * strides[axis]
        position[axis] = 0
      }
    }
  }
}
