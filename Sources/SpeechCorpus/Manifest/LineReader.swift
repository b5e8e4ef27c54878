import Basics
import Foundation

/// Reads a file line by line, however long it is.
struct LineReader: ~Copyable {
  /// A longer line is no line of a manifest.
  static let longestLine = 4 << 20

  /// So much without a line's end is another kind of file, or one that never ends, as /dev/zero.
  static let mostWithoutLine = 64 << 20
  /// A pipe may go on for ever; a manifest of a gigabyte is not one that somebody pipes.
  static let longestPipe = 1 << 30

  enum Line {
    case text([UInt8])
    /// Longer than `longestLine`; its bytes were skipped.
    case tooLong
  }

  private let file: UnsafeMutablePointer<FILE>
  private let path: String
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  private var filled = 0
  private var position = 0
  private var isAtEnd = false
  private let isRegular: Bool
  private var total = 0

  /// - Throws: `IdiolectError` `.notFound` or `.inputOutput`.
  init(path: String) throws {
    self.path = path
    guard let isFolder = FilePath.isFolder(path) else {
      throw IdiolectError(.notFound, "\(path): no such file; check the path of the manifest")
    }
    guard !isFolder, let file = fopen(path, "rb") else {
      let why = isFolder ? "it is a directory" : String(cString: strerror(errno))
      throw IdiolectError(.inputOutput, "\(path): cannot read this manifest: \(why)")
    }
    self.file = file
    var status = stat()
    isRegular = fstat(fileno(file), &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  deinit { fclose(file) }

  /// The next line without its end, LF or CRLF; nil at the end of the file.
  mutating func next() throws -> Line? {
    var line: [UInt8] = []
    var isTooLong = false
    var isAny = false
    let start = total
    while true {
      if position == filled {
        guard !isAtEnd else { break }
        filled = fread(&buffer, 1, buffer.count, file)
        position = 0
        if filled == 0 {
          guard ferror(file) == 0 else {
            throw IdiolectError(
              .inputOutput, "\(path): cannot read on: \(String(cString: strerror(errno)))")
          }
          isAtEnd = true
          break
        }
        total += filled
        guard total - start <= Self.mostWithoutLine, isRegular || total <= Self.longestPipe else {
          throw IdiolectError(
            .invalidData,
            "\(path): no manifest: it goes on for \((total - start) >> 20) MiB without a line's end; a manifest has one JSON object a line"
          )
        }
      }
      isAny = true
      let end = buffer[position..<filled].firstIndex(of: 0x0A) ?? filled
      if line.count + (end - position) > Self.longestLine {
        isTooLong = true
        line = []
      }
      if !isTooLong { line += buffer[position..<end] }
      position = min(end + 1, filled)
      if end < filled { break }
    }
    guard isAny else { return nil }
    if isTooLong { return .tooLong }
    if line.last == 0x0D { line.removeLast() }
    return .text(line)
  }
}
