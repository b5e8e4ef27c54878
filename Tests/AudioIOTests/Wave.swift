/// A WAV file built byte by byte, so that its header can lie.
struct Wave {
  var sampleRate: UInt32 = 16_000
  var channels: UInt16 = 1
  /// Length in the header; nil for the true one.
  var declaredBytes: UInt32?
  private let payload: [UInt8]
  private let format: UInt16
  private let bits: UInt16

  init(samples: [Int16]) {
    payload = samples.flatMap {
      [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
    }
    (format, bits) = (1, 16)
  }

  init(floats: [Float]) {
    payload = floats.flatMap { Wave.bytes($0.bitPattern) }
    (format, bits) = (3, 32)
  }

  var bytes: [UInt8] {
    let length = declaredBytes ?? UInt32(payload.count)
    let frame = UInt32(channels) * UInt32(bits / 8)
    return Array("RIFF".utf8) + Wave.bytes(declaredBytes ?? length &+ 36) + Array("WAVEfmt ".utf8)
      + Wave.bytes(16) + Wave.bytes(UInt32(format) | UInt32(channels) << 16)
      + Wave.bytes(sampleRate)
      + Wave.bytes(sampleRate &* frame) + Wave.bytes(frame | UInt32(bits) << 16)
      + Array("data".utf8)
      + Wave.bytes(length) + payload
  }

  private static func bytes(_ value: UInt32) -> [UInt8] {
    [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
