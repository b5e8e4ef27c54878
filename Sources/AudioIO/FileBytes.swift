import Basics
import CSndfile
import Foundation

/// The owner of a file's descriptor, and how libsndfile reads it.
///
/// libsndfile gets callbacks and not the descriptor, for when it fails to open one it may close it, and
/// so that a header can be read as it should have been written.
final class FileBytes {
  /// In bytes.
  let size: Int
  private let descriptor: Int32
  private var position = 0
  private var patch: (offset: Int, bytes: [UInt8])?

  /// - Throws: `.notFound`, `.inputOutput` or `.invalidAudio`, naming the file.
  init(path: String) throws {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw IdiolectError(
        .invalidArgument, "'\(path)' is not a file name; give the path of a recording")
    }
    // Asked before opening, for to open a named pipe waits for its writer.
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      let what = status.st_mode & S_IFMT == S_IFDIR ? "is a directory" : "is not a regular file"
      throw IdiolectError(.invalidAudio, "\(path): \(what); give the path of a recording")
    }
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT || code == ENOTDIR {
        throw IdiolectError(.notFound, "\(path): missing: there is no such file; check the path")
      }
      let reason = String(cString: strerror(code))
      throw IdiolectError(
        .inputOutput,
        "\(path): cannot be read: \(reason)\(code == EACCES ? "; allow reading it" : "")")
    }
    guard fstat(descriptor, &status) == 0, status.st_size > 0 else {
      close(descriptor)
      throw IdiolectError(
        .invalidAudio, "\(path): empty: the file has no bytes; record or copy it again")
    }
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Makes `bytes` be read at `offset` in place of what the file has there.
  func pretend(_ bytes: [UInt8], at offset: Int) { patch = (offset, bytes) }

  /// Reads up to `buffer.count` bytes at `offset`; how many there were.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard offset >= 0 else { return 0 }
    var count = 0
    while count < buffer.count {
      let got = pread(
        descriptor, buffer.baseAddress! + count, buffer.count - count, off_t(offset + count))
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { break }
      count += got
    }
    if let patch {
      let range = (patch.offset..<(patch.offset + patch.bytes.count)).clamped(
        to: offset..<(offset + count))
      for place in range { buffer[place - offset] = patch.bytes[place - patch.offset] }
    }
    return count
  }

  /// For `sf_open_virtual`, whose user data is the unretained `FileBytes`.
  static let callbacks = SF_VIRTUAL_IO(
    get_filelen: { sf_count_t(FileBytes.at($0).size) },
    seek: { offset, origin, user in
      let file = FileBytes.at(user)
      let base = origin == SEEK_SET ? 0 : origin == SEEK_CUR ? file.position : file.size
      let (place, overflow) = base.addingReportingOverflow(Int(offset))
      guard !overflow, place >= 0 else { return -1 }
      file.position = min(place, file.size)
      return sf_count_t(file.position)
    },
    read: { buffer, count, user in
      let file = FileBytes.at(user)
      guard count > 0 else { return 0 }
      let got = file.read(
        at: file.position, into: UnsafeMutableRawBufferPointer(start: buffer, count: Int(count)))
      file.position += got
      return sf_count_t(got)
    },
    write: { _, _, _ in 0 },
    tell: { sf_count_t(FileBytes.at($0).position) })

  private static func at(_ user: UnsafeMutableRawPointer?) -> FileBytes {
    Unmanaged<FileBytes>.fromOpaque(user!).takeUnretainedValue()
  }
}
