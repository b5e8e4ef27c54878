import Basics
import CKernels
public import Foundation

/// One tensor to store, and where its elements come from.
///
/// Elements are asked for when their turn to be written comes, so that a model need not be in memory twice.
public struct SafetensorsTensor {
  /// How elements are stored.
  public enum Storage: String, Sendable, Codable, CaseIterable {
    case float32 = "F32"
    /// Rounded to nearest even; a finite value beyond 65,504 is an error.
    case float16 = "F16"
    /// Rounded to nearest even.
    case bfloat16 = "BF16"
  }

  enum Source {
    case floats(Storage, () throws -> [Float])
    case integers(() throws -> [Int64])
  }

  public let name: String
  public let shape: [Int]
  let source: Source

  /// A tensor of floats, row-major, as many as `shape` says.
  public init(
    _ name: String, shape: [Int], storage: Storage = .float32,
    floats: @escaping () throws -> [Float]
  ) {
    self.name = name
    self.shape = shape
    source = .floats(storage, floats)
  }

  /// A tensor of 64-bit integers, row-major, as many as `shape` says.
  public init(integers name: String, shape: [Int], values: @escaping () throws -> [Int64]) {
    self.name = name
    self.shape = shape
    source = .integers(values)
  }

  var type: SafetensorsType {
    switch source {
    case .floats(let storage, _): SafetensorsType(rawValue: storage.rawValue)!
    case .integers: .int64
    }
  }

  var count: Int { shape.reduce(1, *) }
}

/// Writes safetensors files that Python's `safetensors` and `transformers` open.
public enum SafetensorsWriter {
  /// Writes `tensors` to `path`, whole or not at all; what was there before stays when it fails.
  ///
  /// The same tensors give the same bytes, in whatever order they are handed over: data is ordered by
  /// falling element size, so that every tensor is aligned, then by name.
  ///
  /// - Throws: `IdiolectError`: `.invalidArgument` for a name twice, `.invalidData` for a value that float16 or
  ///   bfloat16 cannot hold, `.inputOutput`; whatever a source throws.
  public static func write(
    _ tensors: [SafetensorsTensor], metadata: [String: String] = ["format": "pt"], to path: String
  ) throws {
    let ordered = tensors.sorted {
      $0.type.size != $1.type.size
        ? $0.type.size > $1.type.size : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }
    let header = try header(ordered, metadata: metadata, path: path)
    try AtomicFile.write(to: path) { append in
      try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try append($0) }
      try header.withUnsafeBytes { try append($0) }
      for tensor in ordered { try tensor.write(path: path, append) }
    }
  }

  /// Writes one tensor of float32 whose size is known when all of it is there.
  ///
  /// - Parameter body: hands its elements, in order, to its argument; returns its shape and the file's metadata.
  /// - Throws: `.invalidArgument` for too much metadata; `.inputOutput`; whatever `body` throws.
  public static func write(
    _ name: String, to path: String,
    _ body: (_ append: @escaping ([Float]) throws -> Void) throws -> (
      shape: [Int], metadata: [String: String]
    )
  ) throws {
    // Space for the header, the rest of which is blanks.
    let space = 4096
    try AtomicFile.write(to: path, headerLength: space) { append in
      var count = 0
      let (shape, metadata) = try body { values in
        count += values.count
        try values.withUnsafeBytes { try append($0) }
      }
      precondition(
        shape.reduce(1, *) == count, "'\(name)' of shape \(shape) from \(count) elements")
      return try header([(name, shape)], metadata: metadata, space: space, path: path)
    }
  }

  /// The first `space` bytes of a file whose float32 tensors follow, one behind the other in this order.
  ///
  /// - Parameter space: a multiple of eight; the rest of it is blanks.
  /// - Throws: `.invalidArgument` where it is too little, or for a name twice.
  public static func header(
    _ tensors: [(name: String, shape: [Int])], metadata: [String: String], space: Int, path: String
  ) throws -> Data {
    let described = tensors.map { SafetensorsTensor($0.name, shape: $0.shape) { [] } }
    var text = try header(described, metadata: metadata, path: path)
    guard text.count <= space - 8 else {
      throw IdiolectError(.invalidArgument, "\(path): too much metadata for its header")
    }
    text += [UInt8](repeating: UInt8(ascii: " "), count: space - 8 - text.count)
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + Data(text)
  }

  /// The most bytes that a header may have, for readers take no more.
  public static let largestHeader = SafetensorsHeader.sizeLimit + 8

  private static func header(
    _ tensors: [SafetensorsTensor], metadata: [String: String], path: String
  ) throws -> [UInt8] {
    var members = JSONObject()
    var seen: Set<String> = []
    if !metadata.isEmpty {
      let sorted = metadata.sorted { $0.key < $1.key }
      members["__metadata__"] = .object(JSONObject(sorted.map { ($0.key, .string($0.value)) }))
    }
    var offset = 0
    for tensor in tensors {
      guard seen.insert(tensor.name).inserted, tensor.name != "__metadata__" else {
        throw IdiolectError(
          .invalidArgument,
          "\(path): cannot hold two tensors named '\(tensor.name)'; a name is used once, and "
            + "__metadata__ is not for tensors")
      }
      let end = offset + tensor.count * tensor.type.size
      members[tensor.name] = .object(
        JSONObject([
          ("dtype", .string(tensor.type.rawValue)),
          ("shape", .array(tensor.shape.map { .integer($0) })),
          ("data_offsets", [.integer(offset), .integer(end)]),
        ]))
      offset = end
    }
    var bytes = Array(JSONValue.object(members).text(.compact, sortedKeys: false).utf8)
    while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
    guard bytes.count <= SafetensorsHeader.sizeLimit else {
      throw IdiolectError(.invalidArgument, "\(path): too many tensors for one file")
    }
    return bytes
  }
}

extension SafetensorsTensor {
  fileprivate func write(
    path: String, _ append: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    func check(_ provided: Int) {
      precondition(provided == count, "'\(name)' of shape \(shape) from \(provided) elements")
    }
    switch source {
    case .integers(let provide):
      let values = try provide()
      check(values.count)
      try values.withUnsafeBytes { try append($0) }
    case .floats(let storage, let provide):
      let values = try provide()
      check(values.count)
      switch storage {
      case .float32: try values.withUnsafeBytes { try append($0) }
      case .float16: try narrow(values, path: path, ck_narrow_f16, append)
      case .bfloat16: try narrow(values, path: path, ck_narrow_bf16, append)
      }
    }
  }

  private func narrow(
    _ values: [Float], path: String,
    _ convert: (UnsafeMutablePointer<UInt16>?, UnsafePointer<Float>?, Int) -> Int,
    _ append: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var stored = [UInt16](repeating: 0, count: values.count)
    let overflows = convert(&stored, values, values.count)
    guard overflows == 0 else {
      let largest = values.lazy.filter(\.isFinite).map(abs).max() ?? 0
      throw IdiolectError(
        .invalidData,
        "\(path): \(overflows) values of tensor '\(name)' do not fit \(type.rawValue) "
          + "(the largest is \(largest)); store it as float32")
    }
    try stored.withUnsafeBytes { try append($0) }
  }
}
