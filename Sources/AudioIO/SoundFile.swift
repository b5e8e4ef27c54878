import Basics
import CSndfile
import Foundation

/// The owner of one libsndfile handle that reads.
///
/// Not to be shared between threads; different files may be read on different threads.
final class SoundFile {
  let description: AudioDescription
  /// Whether `description.frames` is what decoding must yield: known, and not an estimate.
  let isLengthExact: Bool
  private let handle: OpaquePointer
  // What the handle reads; it must outlive it.
  private let file: FileBytes

  /// Opens `path` and checks that it is audio, whole, and not empty.
  ///
  /// - Throws: `.notFound`, `.inputOutput`, `.invalidAudio` or `.unsupported`, naming the file.
  init(path: String) throws {
    file = try FileBytes(path: path)
    let header = AudioHeader(file: file)
    try header.requireWhole(path: path)
    try header.mendUnknownLength(path: path)
    var info = SF_INFO()
    handle = try SoundFile.open(file, &info, header, path)
    // libsndfile answers SF_COUNT_MAX where the length is not known.
    let frames = info.frames < Int64.max / 2 ? Int(info.frames) : nil
    let container = info.format & Int32(SF_FORMAT_TYPEMASK)
    description = AudioDescription(
      path: path, sampleRate: Int(info.samplerate), channels: Int(info.channels), frames: frames,
      container: SoundFile.formatName(container),
      encoding: SoundFile.formatName(info.format & Int32(SF_FORMAT_SUBMASK)))
    isLengthExact = frames != nil && container != SoundFile.mpeg
    // From here on `deinit` closes the handle, also when this initialiser throws.
    let (rate, channels) = (description.sampleRate, description.channels)
    if let fault = AudioHeader.fault(sampleRate: rate, channels: channels, path: path) {
      throw fault
    }
    guard frames ?? 0 >= 0 else {
      throw IdiolectError(
        .invalidAudio,
        "\(path): its header is damaged: it declares \(info.frames) samples; export it again")
    }
    guard frames != 0 else {
      throw IdiolectError(.invalidAudio, "\(path): empty: it is audio but holds no samples")
    }
  }

  deinit { sf_close(handle) }

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

  /// Since libsndfile 1.1, where it was built so.
  static var readsMP3: Bool { knownName(mpeg) != nil }

  // SF_FORMAT_MPEG, which the headers of older versions lack.
  private static let mpeg: Int32 = 0x230000

  // libsndfile keeps the reason of a failed open in a global, so opening and asking go together.
  private static let openLock = NSLock()

  private static func open(
    _ file: FileBytes, _ info: inout SF_INFO, _ header: AudioHeader, _ path: String
  ) throws -> OpaquePointer {
    var callbacks = FileBytes.callbacks
    let user = Unmanaged.passUnretained(file).toOpaque()
    openLock.lock()
    defer { openLock.unlock() }
    if let handle = sf_open_virtual(&callbacks, Int32(SFM_READ), &info, user) { return handle }
    throw header.explain(path: path, code: sf_error(nil), text: String(cString: sf_strerror(nil)))
  }

  private static func formatName(_ format: Int32) -> String {
    knownName(format) ?? "format 0x" + String(format, radix: 16)
  }

  private static func knownName(_ format: Int32) -> String? {
    var info = SF_FORMAT_INFO()
    info.format = format
    let size = Int32(MemoryLayout<SF_FORMAT_INFO>.size)
    guard sf_command(nil, Int32(SFC_GET_FORMAT_INFO), &info, size) == 0 else { return nil }
    return info.name.map { String(cString: $0) }
  }
}
