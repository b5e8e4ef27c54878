import Basics
import CSndfile
import Foundation

/// What a file's own bytes say, for what libsndfile passes over: a data chunk that is longer than the
/// file, and the names of formats it cannot open.
///
/// Reads defensively: every number in the file is untrusted.
struct AudioHeader {
  let file: FileBytes
  /// The file's size in bytes.
  var size: Int { file.size }

  /// Throws `.invalidAudio` when the container declares more sound than the file holds.
  func requireWhole(path: String) throws {
    let magic = text(at: 0, count: 4)
    let missing: Int?
    switch magic {
    case "RIFF", "RIFX", "RF64": missing = missingInRIFF(bigEndian: magic == "RIFX")
    case "FORM": missing = missingInAIFF()
    case "caff": missing = missingInCAF()
    case ".snd": missing = missingInAU()
    case "OggS":
      // A recording that was stopped lacks the page that ends its stream, and is whole all the same.
      guard endsWithWholeOggPage() else {
        throw IdiolectError(
          .invalidAudio,
          "\(path): truncated: the last page of its Ogg stream is cut; copy or record it again")
      }
      missing = nil
    default: missing = missingInMP3()
    }
    if let missing, missing > 0 {
      throw IdiolectError(
        .invalidAudio,
        "\(path): truncated: its header declares \(missing) more bytes of sound than the file holds; copy or record it again"
      )
    }
  }

  /// The error for a rate, in Hz, or a number of channels that no recording has; nil for others.
  static func fault(sampleRate: Int, channels: Int, path: String) -> IdiolectError? {
    let declared: String
    if !(100...1_000_000).contains(sampleRate) {
      declared = "\(sampleRate) Hz, not a rate from 100 Hz to 1 MHz"
    } else if !(1...256).contains(channels) {
      declared = "\(channels) channels, not 1 to 256"
    } else {
      return nil
    }
    return IdiolectError(
      .invalidAudio,
      "\(path): its header declares \(declared); correct the header or export it again")
  }

  /// The error for a file that libsndfile would not open.
  ///
  /// - Parameters: `code` and `text` as libsndfile gives them.
  func explain(path: String, code: Int32, text: String) -> IdiolectError {
    // libsndfile ends its sentences; ours go on. Of what it rejects in a header it names its own variable.
    let reason =
      text.contains("SF_INFO")
      ? "its sample rate, channels or length make no sense"
      : text.hasSuffix(".") ? String(text.dropLast()) : text
    let version = SoundFile.libraryVersion
    if let name = foreignFormat() {
      return IdiolectError(
        .unsupported,
        "\(path): \(name), a format that this \(version) cannot read; convert it to WAV, FLAC or Ogg Opus"
      )
    }
    if let format = formatInRIFF(),
      let fault = AudioHeader.fault(
        sampleRate: Int(format.sampleRate), channels: Int(format.channels), path: path)
    {
      return fault
    }
    switch magicName() {
    case let name? where code == Int32(SF_ERR_UNSUPPORTED_ENCODING):
      return IdiolectError(
        .unsupported,
        "\(path): \(name) with an encoding that this \(version) cannot read (\(reason)); convert it to WAV, FLAC or Ogg Opus"
      )
    case let name?:
      return IdiolectError(
        .invalidAudio,
        "\(path): truncated or damaged: it begins as \(name), but \(reason); copy or record it again"
      )
    case nil:
      return IdiolectError(
        .invalidAudio,
        "\(path): not audio: \(reason); give WAV, FLAC, Ogg, MP3, AIFF or CAF")
    }
  }

  /// Formats that people have, told by their first bytes, that libsndfile does not read.
  private func foreignFormat() -> String? {
    if let codec = formatInRIFF()?.codec, !AudioHeader.knownCodecs.contains(codec) {
      return "WAV with codec 0x\(String(codec, radix: 16))\(codec == 0x55 ? " (MP3)" : "")"
    }
    if text(at: 4, count: 4) == "ftyp" { return "MP4 (AAC or ALAC)" }
    if bytes(at: 0, count: 4) == [0x1A, 0x45, 0xDF, 0xA3] { return "Matroska or WebM" }
    if bytes(at: 0, count: 4) == [0x30, 0x26, 0xB2, 0x75] { return "Windows Media" }
    if text(at: 0, count: 5) == "#!AMR" { return "AMR" }
    if text(at: 0, count: 4) == "OggS", let codec = text(at: 28, count: 5), codec == "Speex" {
      return "Ogg Speex"
    }
    if text(at: 0, count: 4) == "wvpk" { return "WavPack" }
    if text(at: 0, count: 4) == "MAC " { return "Monkey's Audio" }
    if beginsAsMP3, !SoundFile.readsMP3 { return "MP3" }
    if let two = bytes(at: 0, count: 2), two[0] == 0xFF, two[1] & 0xF6 == 0xF0 {
      return "AAC (ADTS)"
    }
    return nil
  }

  // PCM, ADPCM, float, A-law, µ-law, IMA, GSM 6.10, G.721, extensible: for these a failure is damage.
  private static let knownCodecs: Set<UInt64> = [1, 2, 3, 6, 7, 0x11, 0x31, 0x40, 0xFFFE]

  private func magicName() -> String? {
    switch text(at: 0, count: 4) {
    case "RIFF", "RIFX", "RF64": text(at: 8, count: 4) == "WAVE" ? "WAV" : "RIFF"
    case "FORM": "AIFF"
    case "caff": "CAF"
    case "fLaC": "FLAC"
    case "OggS": "Ogg"
    case ".snd": "AU"
    default: beginsAsMP3 ? "MP3" : nil
    }
  }

  private var beginsAsMP3: Bool {
    if text(at: 0, count: 3) == "ID3" { return true }
    guard let sync = bytes(at: 0, count: 2) else { return false }
    return sync[0] == 0xFF && sync[1] & 0xE6 == 0xE2
  }

  /// Exactly `count` bytes at `offset`, or nil where the file is shorter.
  func bytes(at offset: Int, count: Int) -> [UInt8]? {
    guard offset >= 0, offset <= size - count else { return nil }
    var result = [UInt8](repeating: 0, count: count)
    let got = result.withUnsafeMutableBytes { file.read(at: offset, into: $0) }
    return got == count ? result : nil
  }

  func text(at offset: Int, count: Int) -> String? {
    bytes(at: offset, count: count).map { String(decoding: $0, as: UTF8.self) }
  }

  /// An unsigned integer of up to eight bytes.
  func integer(at offset: Int, count: Int, bigEndian: Bool) -> UInt64? {
    bytes(at: offset, count: count).map { bytes in
      (bigEndian ? bytes : bytes.reversed()).reduce(0) { $0 << 8 | UInt64($1) }
    }
  }
}
