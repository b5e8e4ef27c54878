import Basics
import CKernels
import Foundation

/// A file mapped into memory for reading. Bytes leave it only by a copy that survives its shortening.
final class MappedFile: @unchecked Sendable {
  // Sendable: base and size never change, and the pages are only read.
  let path: String
  let size: Int
  private let base: UnsafeRawPointer?
  /// What this is a part of, which unmaps it.
  private let whole: MappedFile?

  /// A part of a mapped file, which stays mapped as long.
  init(_ range: Range<Int>, of whole: MappedFile) {
    precondition(range.lowerBound >= 0 && range.upperBound <= whole.size, "a part from beyond")
    (path, size, self.whole) = (whole.path, range.count, whole)
    base = whole.base.map { $0 + range.lowerBound }
  }

  init(path: String) throws {
    self.path = path
    whole = nil
    // A named pipe would otherwise wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      throw IdiolectError(
        code == ENOENT ? .notFound : .inputOutput,
        "\(path): cannot open this file: \(String(cString: strerror(code)))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw SafetensorsFault.notARegularFile
    }
    size = Int(status.st_size)
    if size == 0 {
      base = nil
    } else {
      guard let map = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), map != MAP_FAILED
      else {
        throw IdiolectError(
          .inputOutput,
          "\(path): cannot map this file: \(String(cString: strerror(errno)))")
      }
      base = UnsafeRawPointer(map)
    }
  }

  deinit {
    if whole == nil, let base { munmap(UnsafeMutableRawPointer(mutating: base), size) }
  }

  /// Fills `destination` with the bytes from `offset` on.
  ///
  /// - Throws: `SafetensorsFault.shortenedWhileMapped`.
  func copy(from offset: Int, into destination: UnsafeMutableRawBufferPointer) throws {
    guard let target = destination.baseAddress, destination.count > 0 else { return }
    precondition(offset >= 0 && destination.count <= size - offset, "a copy from beyond the map")
    guard ck_guarded_copy(target, base! + offset, destination.count) else {
      throw SafetensorsFault.shortenedWhileMapped
    }
    forget(base! + offset, destination.count)
  }

  /// Lets go of the pages that lie wholly within: a model is not to take its file's size besides its own. Read again,
  /// they come from the system's cache.
  private func forget(_ start: UnsafeRawPointer, _ count: Int) {
    let page = Int(getpagesize())
    let first = (Int(bitPattern: start) + page - 1) / page * page
    let length = (Int(bitPattern: start) + count) / page * page - first
    guard length >= MappedFile.worthForgetting else { return }
    madvise(UnsafeMutableRawPointer(bitPattern: first), length, MADV_DONTNEED)
  }

  private static let worthForgetting = 1 << 20
}
