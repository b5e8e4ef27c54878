import Basics
import Foundation

/// A safetensors file, mapped into memory; tensors are copied out, widened to float32, when asked for.
///
///     let file = try SafetensorsFile(path: "model.safetensors")
///     let weight = try file.readFloats("encoder.layers.0.linear.weight")   // row-major
///
/// Opening checks the whole header against the file: what opens can be read, unless another process
/// shortens the file meanwhile, which is an error and not a crash.
///
/// Format: https://huggingface.co/docs/safetensors
public struct SafetensorsFile: MappedTensors {
  public let path: String
  public var entries: [String: WeightEntry] { header.entries }
  /// The tensors' names in the order of their data.
  public var names: [String] { header.names }
  public var metadata: [String: String] { header.metadata }

  let map: MappedFile
  private let header: SafetensorsHeader

  /// Opens and checks a file.
  ///
  /// - Throws: `IdiolectError`: `.notFound`, `.inputOutput`, or `.invalidModel` caused by a `SafetensorsFault`.
  public init(path: String) throws {
    self.path = path
    (map, header) = try Self.naming(path) {
      let map = try MappedFile(path: path)
      guard map.size >= 8 else { throw SafetensorsFault.tooShort(bytes: map.size) }
      var claimed: UInt64 = 0
      try withUnsafeMutableBytes(of: &claimed) { try map.copy(from: 0, into: $0) }
      claimed = UInt64(littleEndian: claimed)
      let limit = SafetensorsHeader.sizeLimit
      guard claimed <= limit else {
        throw SafetensorsFault.headerTooLarge(bytes: claimed, limit: limit)
      }
      let size = Int(claimed)
      guard size <= map.size - 8 else {
        throw SafetensorsFault.headerBeyondFile(bytes: size, available: map.size - 8)
      }
      var bytes = [UInt8](repeating: 0, count: size)
      try bytes.withUnsafeMutableBytes { try map.copy(from: 8, into: $0) }
      let header = try SafetensorsHeader(
        parsing: bytes, dataStart: 8 + size, dataSize: map.size - 8 - size)
      return (map, header)
    }
  }

  /// Runs `body`; a fault in it becomes an error that names the file.
  static func naming<T>(_ path: String, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch let fault as SafetensorsFault {
      throw IdiolectError(
        .invalidModel, "\(path): not a safetensors file that can be read: \(fault)", cause: fault)
    }
  }
}
