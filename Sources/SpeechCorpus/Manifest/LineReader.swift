import Basics
import Foundation

/// Reads a file line by line, however long it is.
struct LineReader: ~Copyable {
  /// A longer line is no line of a manifest.
  static let longestLine = 4 << 20

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

  /// - Throws: `IdiolectError` `.notFound` or `.inputOutput`.
  init(path: String) throws {
    self.path = path
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw IdiolectError(.notFound, "\(path): no such file; check the path of the manifest")
    }
    guard !isDirectory.boolValue, let file = fopen(path, "rb") else {
      let why = isDirectory.boolValue ? "it is a directory" : String(cString: strerror(errno))
      throw IdiolectError(.inputOutput, "\(path): cannot read this manifest: \(why)")
    }
    self.file = file
  }

  deinit { fclose(file) }

  /// The next line without its end, LF or CRLF; nil at the end of the file.
  mutating func next() throws -> Line? {
    var line: [UInt8] = []
    var isTooLong = false
    var isAny = false
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
