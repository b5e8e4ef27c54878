import Foundation

/// An array as NumPy's `.npy` holds it: little-endian, float32, float64, int32 or int64.
///
/// Format: NumPy enhancement proposal 1.
public struct NumpyFile: Sendable {
  public var shape: [Int]
  public var values: [Float]

  public init(shape: [Int], values: [Float]) {
    precondition(
      shape.reduce(1, *) == values.count, "shape \(shape) against \(values.count) values")
    self.shape = shape
    self.values = values
  }

  /// Reads an array; values of other types become float32.
  public init(path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw IdiolectError(.notFound, "\(path): no such file, or it cannot be read")
    }
    func refuse(_ why: String) -> IdiolectError {
      IdiolectError(.invalidData, "\(path): not an array that can be read: \(why)")
    }
    guard data.count > 10, data.prefix(6) == Data([0x93] + Array("NUMPY".utf8)) else {
      throw refuse("it does not begin as a .npy file")
    }
    let bytes = [UInt8](data)
    let wide = bytes[6] >= 2
    guard !wide || bytes.count > 12 else { throw refuse("its header is cut short") }
    let headerLength =
      wide
      ? Int(bytes[8]) | Int(bytes[9]) << 8 | Int(bytes[10]) << 16 | Int(bytes[11]) << 24
      : Int(bytes[8]) | Int(bytes[9]) << 8
    let start = (wide ? 12 : 10) + headerLength
    guard start <= bytes.count else { throw refuse("its header is cut short") }
    let header = String(decoding: bytes[(wide ? 12 : 10)..<start], as: UTF8.self)
    let isColumnMajor = header.contains("'fortran_order': True")
    guard let open = header.firstIndex(of: "("), let close = header.firstIndex(of: ")"),
      open < close
    else { throw refuse("its header has no shape") }
    var shape: [Int] = []
    var count = 1
    for part in header[header.index(after: open)..<close].split(separator: ",") {
      guard let size = Int(part.trimmingCharacters(in: .whitespaces)), size >= 0 else {
        throw refuse("its shape has '\(part)'")
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { throw refuse("its shape is too large") }
      count = product
      shape.append(size)
    }
    self.shape = shape
    let sizes = shape
    let payload = Data(bytes[start...])
    func read<T>(_: T.Type, _ convert: (T) -> Float) throws -> [Float] {
      let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.size)
      guard !overflow, payload.count >= size else { throw refuse("its data is cut short") }
      return payload.withUnsafeBytes { raw in
        (0..<count).map {
          convert(raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
        }
      }
    }
    let stored: [Float]
    if header.contains("'<f4'") {
      stored = try read(Float.self) { $0 }
    } else if header.contains("'<f8'") {
      stored = try read(Double.self) { Float($0) }
    } else if header.contains("'<i4'") {
      stored = try read(Int32.self) { Float($0) }
    } else if header.contains("'<i8'") {
      stored = try read(Int64.self) { Float($0) }
    } else {
      throw refuse(
        "its element type is none of float32, float64, int32, int64; save it with .astype('float32')"
      )
    }
    values = isColumnMajor ? NumpyFile.rowMajor(stored, sizes) : stored
  }

  /// What a transposed array is saved as, in the order of its shape.
  private static func rowMajor(_ values: [Float], _ shape: [Int]) -> [Float] {
    var strides: [Int] = []
    for axis in shape.indices {
      strides.append(axis == 0 ? 1 : strides[axis - 1] * shape[axis - 1])
    }
    var index = [Int](repeating: 0, count: shape.count)
    return values.indices.map { _ in
      let value = values[zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }]
      for axis in shape.indices.reversed() {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
      }
      return value
    }
  }

  /// Writes the array as float32, whole or not at all.
  public func write(to path: String) throws {
    try NumpyFile.write(to: path) { append in
      try append(values)
      return shape
    }
  }

  /// Writes the values that `body` hands to its argument, in order, as an array of the shape that it returns.
  ///
  /// - Throws: as `AtomicFile.write`; whatever `body` throws.
  public static func write(
    to path: String, _ body: (_ append: @escaping ([Float]) throws -> Void) throws -> [Int]
  ) throws {
    try AtomicFile.write(to: path, headerLength: headerLength) { append in
      var count = 0
      let shape = try body { values in
        count += values.count
        try values.withUnsafeBytes { try append($0) }
      }
      precondition(shape.reduce(1, *) == count, "shape \(shape) against \(count) values")
      return header(shape)
    }
  }

  /// As NumPy's own for arrays of few dimensions: a multiple of 64.
  package static let headerLength = 128

  private static func header(_ shape: [Int]) -> Data {
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(sizes)), }"
    let length = headerLength - 10
    precondition(text.utf8.count < length, "an array of \(shape.count) dimensions")
    text += String(repeating: " ", count: length - 1 - text.utf8.count) + "\n"
    return Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length), 0]) + Data(text.utf8)
  }
}
