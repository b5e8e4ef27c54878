import Basics
import CSndfile
import Foundation
import Synchronization

/// The owner of one libsndfile handle that reads, and of the descriptor below it.
///
/// Not to be shared between threads; different files may be read on different threads.
final class SoundFile {
  let description: AudioDescription
  private let handle: OpaquePointer
  private let descriptor: Int32

  /// Opens `path` and checks that it is audio, whole, and not empty.
  ///
  /// - Throws: `.notFound`, `.inputOutput`, `.invalidAudio` or `.unsupported`, naming the file.
  init(path: String) throws {
    let (descriptor, size) = try SoundFile.openDescriptor(path)
    var info = SF_INFO()
    var failure: (code: Int32, text: String) = (0, "")
    let opened = SoundFile.openLock.withLock { _ in
      let opened = sf_open_fd(descriptor, Int32(SFM_READ), &info, 0)
      if opened == nil { failure = (sf_error(nil), String(cString: sf_strerror(nil))) }
      return UnsafeMutableRawPointer(opened)
    }
    guard let opened else {
      let header = AudioHeader(descriptor: descriptor, size: size)
      close(descriptor)
      throw header.explain(path: path, code: failure.code, text: failure.text)
    }
    handle = OpaquePointer(opened)
    self.descriptor = descriptor
    let frames = info.frames
    // libsndfile answers SF_COUNT_MAX where the length is not known.
    let known = frames < Int64.max / 2
    description = AudioDescription(
      path: path, sampleRate: Int(info.samplerate), channels: Int(info.channels),
      frames: known ? Int(frames) : nil,
      container: SoundFile.formatName(info.format & Int32(SF_FORMAT_TYPEMASK)),
      encoding: SoundFile.formatName(info.format & Int32(SF_FORMAT_SUBMASK)))
    isLengthExact = known && info.format & Int32(SF_FORMAT_TYPEMASK) != SoundFile.mpeg
    // From here on `deinit` closes what is open, also when this initialiser throws.
    try AudioHeader(descriptor: descriptor, size: size).requireWhole(path: path)
    guard !known || frames > 0 else {
      throw IdiolectError(.invalidAudio, "\(path): empty: it is audio but holds no samples")
    }
    guard info.samplerate > 0, info.channels > 0 else {
      throw IdiolectError(
        .invalidAudio,
        "\(path): its header is damaged: \(info.samplerate) Hz, \(info.channels) channels")
    }
  }

  deinit {
    sf_close(handle)
    close(descriptor)
  }

  /// Whether `description.frames` is what decoding must yield: known, and not an estimate.
  let isLengthExact: Bool

  /// Reads up to `frames` frames of interleaved samples; the count of frames read, 0 at the end.
  func read(into buffer: UnsafeMutablePointer<Float>, frames: Int) -> Int {
    Int(sf_readf_float(handle, buffer, sf_count_t(frames)))
  }

  /// What libsndfile says went wrong in the last call, or nil.
  var failure: String? {
    sf_error(handle) == 0 ? nil : String(cString: sf_strerror(handle))
  }

  /// Goes to a frame from the beginning; false where the file does not allow it.
  func seek(toFrame frame: Int) -> Bool {
    sf_seek(handle, sf_count_t(frame), Int32(SEEK_SET)) == sf_count_t(frame)
  }

  static var libraryVersion: String { String(cString: sf_version_string()) }

  private static let mpeg: Int32 = 0x230000

  // libsndfile keeps the reason of a failed open in a global, so opening and asking go together.
  private static let openLock = Mutex(())

  private static func openDescriptor(_ path: String) throws -> (descriptor: Int32, size: Int) {
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
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let code = errno
      let reason = String(cString: strerror(code))
      if code == ENOENT || code == ENOTDIR {
        throw IdiolectError(.notFound, "\(path): missing: there is no such file")
      }
      throw IdiolectError(
        .inputOutput,
        "\(path): cannot be read: \(reason)\(code == EACCES ? "; allow reading it" : "")")
    }
    guard fstat(descriptor, &status) == 0, status.st_size > 0 else {
      close(descriptor)
      throw IdiolectError(
        .invalidAudio, "\(path): empty: the file has no bytes; record or copy it again")
    }
    return (descriptor, Int(status.st_size))
  }

  private static func formatName(_ format: Int32) -> String {
    var info = SF_FORMAT_INFO()
    info.format = format
    let size = Int32(MemoryLayout<SF_FORMAT_INFO>.size)
    guard sf_command(nil, Int32(SFC_GET_FORMAT_INFO), &info, size) == 0, let name = info.name else {
      return "format 0x" + String(format, radix: 16)
    }
    return String(cString: name)
  }
}
