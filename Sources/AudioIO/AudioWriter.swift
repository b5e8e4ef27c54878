import Basics
import CSndfile
import Foundation

/// Writes mono recordings, whole or not at all.
public enum AudioWriter {
  /// Writes `samples` in the format that the file's extension names: `.wav` and `.flac` hold 16 bits,
  /// `.opus` and `.ogg` hold Ogg Opus.
  ///
  /// Samples beyond ±1 are clipped. What `.wav` and `.flac` hold reads back as it was, to 16 bits.
  ///
  /// - Parameters:
  ///   - samples: `[samples]`, ±1.
  ///   - sampleRate: Hz; Opus takes 8000, 12000, 16000, 24000 and 48000.
  /// - Throws: `.invalidArgument` for an unknown extension, a rate the format lacks, or samples that are
  ///   not finite; `.inputOutput` where the system refuses.
  public static func write(_ samples: [Float], sampleRate: Int, to path: String) throws {
    if let bad = samples.firstIndex(where: { !$0.isFinite }) {
      throw IdiolectError(
        .invalidArgument, "\(path): sample \(bad) is \(samples[bad]), not a finite number")
    }
    var info = try format(of: path, sampleRate: sampleRate)
    let file = MemoryFile()
    try encode(samples, &info, into: file, path)
    try AtomicFile.write(Data(file.bytes), to: path)
  }

  /// Refuses what `write` would by its name and rate, before a long work whose result it is.
  ///
  /// - Throws: `.invalidArgument` for an unknown extension, or a rate that the format lacks.
  package static func check(_ path: String, sampleRate: Int) throws {
    _ = try format(of: path, sampleRate: sampleRate)
  }

  private static func format(of path: String, sampleRate: Int) throws -> SF_INFO {
    let format =
      switch URL(fileURLWithPath: path).pathExtension.lowercased() {
      case "wav": SF_FORMAT_WAV | SF_FORMAT_PCM_16
      case "flac": SF_FORMAT_FLAC | SF_FORMAT_PCM_16
      case "opus", "ogg": SF_FORMAT_OGG | SF_FORMAT_OPUS
      default:
        throw IdiolectError(
          .invalidArgument, "\(path): no format goes by this name; use .wav, .flac, .opus or .ogg")
      }
    var info = SF_INFO()
    info.samplerate = Int32(clamping: sampleRate)
    info.channels = 1
    info.format = Int32(format)
    guard sampleRate > 0, sf_format_check(&info) != 0 else {
      throw IdiolectError(
        .invalidArgument, "\(path): this format or library has no sample rate of \(sampleRate) Hz")
    }
    return info
  }

  private static func encode(
    _ samples: [Float], _ info: inout SF_INFO, into file: MemoryFile, _ path: String
  ) throws {
    var callbacks = MemoryFile.callbacks
    // `file` outlives the handle, which is closed before this function returns.
    let user = Unmanaged.passUnretained(file).toOpaque()
    guard let handle = sf_open_virtual(&callbacks, Int32(SFM_WRITE), &info, user) else {
      throw IdiolectError(
        .invalidArgument,
        "\(path): cannot be written at \(info.samplerate) Hz: \(String(cString: sf_strerror(nil)))")
    }
    let written: sf_count_t
    if info.format & Int32(SF_FORMAT_SUBMASK) == Int32(SF_FORMAT_PCM_16) {
      // Converted here, because libsndfile's own way neither rounds nor undoes what its reader does.
      let integers = samples.map { Int16(max(-32_768, min(32_767, ($0 * 32_768).rounded()))) }
      written = sf_writef_short(handle, integers, sf_count_t(integers.count))
    } else {
      let clipped = samples.map { max(-1, min(1, $0)) }
      written = sf_writef_float(handle, clipped, sf_count_t(clipped.count))
    }
    let closed = sf_close(handle)
    guard written == sf_count_t(samples.count), closed == 0 else {
      throw IdiolectError(.inputOutput, "\(path): encoding failed after \(written) samples")
    }
  }
}

/// A file in memory that libsndfile writes to.
private final class MemoryFile {
  var bytes: [UInt8] = []
  private var position = 0

  static let callbacks = SF_VIRTUAL_IO(
    get_filelen: { sf_count_t(MemoryFile.at($0).bytes.count) },
    seek: { offset, origin, user in
      let file = MemoryFile.at(user)
      let base = origin == SEEK_SET ? 0 : origin == SEEK_CUR ? file.position : file.bytes.count
      file.position = max(0, base + Int(offset))
      return sf_count_t(file.position)
    },
    read: { buffer, count, user in
      let file = MemoryFile.at(user)
      let available = max(0, min(Int(count), file.bytes.count - file.position))
      file.bytes.withUnsafeBytes { bytes in
        if available > 0 {
          buffer?.copyMemory(from: bytes.baseAddress! + file.position, byteCount: available)
        }
      }
      file.position += available
      return sf_count_t(available)
    },
    write: { buffer, count, user in
      let file = MemoryFile.at(user)
      let source = UnsafeRawBufferPointer(start: buffer, count: Int(count))
      let end = file.position + source.count
      if file.bytes.count < end {
        file.bytes.append(contentsOf: repeatElement(0, count: end - file.bytes.count))
      }
      file.bytes.withUnsafeMutableBytes { bytes in
        UnsafeMutableRawBufferPointer(rebasing: bytes[file.position..<end]).copyMemory(from: source)
      }
      file.position = end
      return count
    },
    tell: { sf_count_t(MemoryFile.at($0).position) })

  private static func at(_ user: UnsafeMutableRawPointer?) -> MemoryFile {
    Unmanaged<MemoryFile>.fromOpaque(user!).takeUnretainedValue()
  }
}
