public import Foundation

/// Writes a file whole or not at all: a temporary file beside it, flushed to disk, then renamed.
///
/// A crash, a kill or a full disk leaves what was there before. A symbolic link stays, and what it names
/// is replaced. A device or a pipe (`/dev/stdout`) is written to as it is.
public enum AtomicFile {
  /// Writes the chunks that `body` hands to its argument, in order.
  ///
  /// - Throws: `IdiolectError` `.inputOutput` that names the file and the cause; whatever `body` throws.
  public static func write(
    to path: String,
    _ body: (_ append: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    try write(to: path, headerLength: 0) {
      try body($0)
      return Data()
    }
  }

  /// Writes the chunks that `body` hands to its argument, in order, after a header that it returns when all of
  /// them are there.
  ///
  /// - Throws: as the other.
  public static func write(
    to path: String, headerLength: Int,
    _ body: (_ append: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Data
  ) throws {
    var status = stat()
    if stat(path, &status) == 0 {
      let kind = status.st_mode & S_IFMT
      // Renaming would put a file in the place of the device itself.
      if kind == S_IFCHR || kind == S_IFIFO { return try writeInPlace(path, headerLength, body) }
    }
    let isThere = stat(path, &status) == 0
    let target = target(of: path)
    let temporary = "\(target)\(unfinished)\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("cannot create", path, errno) }
    var committed = false
    defer {
      if !committed { unlink(temporary) }
    }
    do {
      defer { close(descriptor) }
      // Who might read what was there may read what takes its place, and nobody else.
      if isThere { _ = fchmod(descriptor, status.st_mode & 0o777) }
      guard lseek(descriptor, off_t(headerLength), SEEK_SET) >= 0 else {
        throw failure("cannot write", path, errno)
      }
      let header = try body { try append($0, to: descriptor, path) }
      precondition(header.count == headerLength, "a header of \(header.count) bytes")
      if headerLength > 0 {
        _ = lseek(descriptor, 0, SEEK_SET)
        try header.withUnsafeBytes { try append($0, to: descriptor, path) }
      }
      guard fsync(descriptor) == 0 else { throw failure("cannot write", path, errno) }
    }
    guard rename(temporary, target) == 0 else { throw failure("cannot replace", path, errno) }
    committed = true
  }

  /// After a file's name, where it is not whole yet; two numbers follow.
  private static let unfinished = ".partial-"

  /// What a file that a killed process left unfinished was to become; nil for any other name.
  package static func target(ofUnfinished path: String) -> String? {
    guard let mark = path.range(of: unfinished, options: .backwards) else { return nil }
    let numbers = path[mark.upperBound...].split(separator: "-", omittingEmptySubsequences: false)
    guard numbers.count == 2, numbers.allSatisfy({ UInt32($0) != nil }) else { return nil }
    return String(path[..<mark.lowerBound])
  }

  private static func writeInPlace(
    _ path: String, _ headerLength: Int,
    _ body: (_ append: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Data
  ) throws {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("cannot open", path, errno) }
    defer { close(descriptor) }
    guard headerLength > 0 else {
      _ = try body { try append($0, to: descriptor, path) }
      return
    }
    // Nothing can be put before what went into a pipe.
    var rest = Data()
    let header = try body { rest.append(contentsOf: $0) }
    for part in [header, rest] {
      try part.withUnsafeBytes { try append($0, to: descriptor, path) }
    }
  }

  private static func append(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ path: String
  ) throws {
    var rest = bytes
    while !rest.isEmpty {
      let written = Foundation.write(descriptor, rest.baseAddress, rest.count)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw failure("cannot write", path, errno) }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// What `path` names where it is a symbolic link, be it there yet or not; else `path`.
  package static func target(of path: String, links: Int = 0) -> String {
    if let real = realpath(path, nil) {
      defer { free(real) }
      return String(cString: real)
    }
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &buffer, buffer.count)
    // As many links as the system itself follows.
    guard count > 0, links < 40 else { return path }
    let named = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    return target(of: FilePath.join(FilePath.directory(of: path), named), links: links + 1)
  }

  /// Writes `data` to `path`, whole or not at all.
  public static func write(_ data: Data, to path: String) throws {
    try write(to: path) { append in try data.withUnsafeBytes { try append($0) } }
  }

  /// Writes `text` as UTF-8 to `path`, whole or not at all.
  public static func write(_ text: String, to path: String) throws {
    try write(Data(text.utf8), to: path)
  }

  /// Makes a directory and the ones above it.
  public static func makeDirectory(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw IdiolectError(
        .inputOutput,
        "\(path): cannot make this directory; check that its parent exists and can be written",
        cause: error)
    }
  }

  private static func failure(_ what: String, _ path: String, _ code: Int32) -> IdiolectError {
    let remedy =
      switch code {
      case ENOSPC, EDQUOT: "; free some space and run it again, what was there before is untouched"
      case EFBIG: "; raise the limit on the size of files, what was there before is untouched"
      case EACCES, EPERM, EROFS: "; choose a place that you may write"
      case ENOENT: "; its directory does not exist"
      default: ""
      }
    return IdiolectError(
      .inputOutput, "\(path): \(what) this file: \(String(cString: strerror(code)))\(remedy)")
  }
}
