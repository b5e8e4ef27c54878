import Basics
import CZlib
public import Foundation

/// The files of a tar archive, plain or compressed by gzip; the archive stays mapped, not read.
public struct TarArchive: Sendable {
  public let path: String
  private let map: MappedFile
  private let directory: TarDirectory

  /// Of a file that is read as a whole.
  private static let fileLimit = 64 << 20

  /// What others begin with, and what unpacks them.
  private static let compressions: [(magic: [UInt8], name: String)] = [
    (Array("BZh".utf8), "bzip2"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz"),
    ([0x28, 0xB5, 0x2F, 0xFD], "zstd"),
  ]

  /// - Throws: `.notFound`, `.inputOutput`, `.unsupported` for another compression, or `.invalidModel` that names the
  ///   file and what is wrong with it.
  public init(path: String) throws {
    self.path = path
    (map, directory) = try TarArchive.naming(path) {
      var map = try MappedFile(path: path)
      var head = [UInt8](repeating: 0, count: min(6, map.size))
      try head.withUnsafeMutableBytes { try map.copy(from: 0, into: $0) }
      if head.starts(with: [0x1F, 0x8B]) { map = try Gzip.inflated(map) }
      if let (_, name) = Self.compressions.first(where: { head.starts(with: $0.magic) }) {
        throw IdiolectError(
          .unsupported,
          "\(path): is compressed by \(name), and only gzip is unpacked here; unpack it first: \(name) -dc FILE > OTHER.nemo"
        )
      }
      let mapped = map
      let directory = try TarDirectory(size: map.size) { offset, count in
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try mapped.copy(from: offset, into: $0) }
        return bytes
      }
      return (map, directory)
    }
  }

  /// Sorted.
  public var names: [String] { directory.members.keys.sorted() }

  /// The content of a file; nil where there is none of that name.
  ///
  /// - Throws: `.invalidModel` for more than 64 MiB.
  public func data(_ name: String) throws -> Data? {
    guard let range = directory.members[name] else { return nil }
    return try TarArchive.naming(path) {
      guard range.count <= Self.fileLimit else {
        throw ArchiveFault("\(name) has \(range.count >> 20) MiB, more than is sensible")
      }
      var data = Data(count: range.count)
      try data.withUnsafeMutableBytes { try map.copy(from: range.lowerBound, into: $0) }
      return data
    }
  }

  /// The tensors of a PyTorch checkpoint in it; nil where there is no file of that name.
  public func tensors(_ name: String) throws -> TorchFile? {
    try directory.members[name].map { range in
      try TorchFile(path: path) { MappedFile(range, of: map) }
    }
  }

  private static func naming<T>(_ path: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let fault as ArchiveFault {
      throw IdiolectError(
        .invalidModel, "\(path): not an archive that can be read: \(fault.message)")
    } catch let fault as SafetensorsFault {
      throw IdiolectError(.invalidModel, "\(path): cannot be read: \(fault)", cause: fault)
    }
  }
}

enum Gzip {
  /// What a compressed file holds, in a file that is gone when it is unmapped.
  ///
  /// - Throws: `ArchiveFault` for damage, or for more than the disk has room for.
  static func inflated(_ map: MappedFile) throws -> MappedFile {
    let template = FileManager.default.temporaryDirectory.path + "/idiolect-XXXXXX"
    var name = Array(template.utf8CString)
    let descriptor = mkstemp(&name)
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard descriptor >= 0 else {
      throw IdiolectError(
        .inputOutput, "\(path): cannot be made: \(String(cString: strerror(errno)))")
    }
    defer {
      close(descriptor)
      unlink(path)
    }
    try inflate(map, into: descriptor)
    return try MappedFile(path: path)
  }

  private static func inflate(_ map: MappedFile, into descriptor: Int32) throws {
    var stream = z_stream()
    // 32: the header says whether it is gzip.
    guard
      inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw ArchiveFault("zlib cannot begin") }
    defer { inflateEnd(&stream) }
    var input = [UInt8](repeating: 0, count: 1 << 20)
    var output = [UInt8](repeating: 0, count: 1 << 20)
    var (offset, status) = (0, Z_OK)
    while status != Z_STREAM_END {
      let count = min(input.count, map.size - offset)
      guard count > 0 else { throw ArchiveFault("its compressed data end too soon") }
      try input.withUnsafeMutableBytes {
        try map.copy(from: offset, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<count]))
      }
      try input.withUnsafeMutableBufferPointer { input in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(count)
        repeat {
          let written = try output.withUnsafeMutableBufferPointer { output -> Int in
            stream.next_out = output.baseAddress
            stream.avail_out = UInt32(output.count)
            status = CZlib.inflate(&stream, Z_NO_FLUSH)
            guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
              throw ArchiveFault("its compressed data are damaged")
            }
            return output.count - Int(stream.avail_out)
          }
          try write(output[..<written], to: descriptor)
        } while stream.avail_out == 0 && status != Z_STREAM_END
      }
      offset += count - Int(stream.avail_in)
    }
  }

  private static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) throws {
    try bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = Foundation.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        guard count > 0 else {
          throw ArchiveFault("it cannot be unpacked: \(String(cString: strerror(errno)))")
        }
        rest = rest.dropFirst(count)
      }
    }
  }
}
