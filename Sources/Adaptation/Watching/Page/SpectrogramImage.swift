import AcousticFeatures
import AudioIO
import Foundation

/// The log-mel of a recording as a picture, in the page itself: the same whatever the network hears.
package enum SpectrogramImage {
  private static let logMel = try? LogMel()

  /// An `img` element; empty where the recording cannot be read any more.
  ///
  /// - Parameter most: seconds shown.
  package static func element(
    _ path: String, offset: Double, seconds: Double?, most: Double = 12
  ) -> String {
    let wanted = min(seconds ?? most, most)
    guard let logMel,
      let samples = try? readAudio(
        path, sampleRate: logMel.sampleRate, offsetSeconds: offset, durationSeconds: wanted),
      let features = try? logMel(samples), features.validFrames > 1
    else { return "" }
    let image = bitmap(features.values, frames: features.validFrames, bins: features.bins)
    return
      "<img alt=\"log-mel spectrogram\" width=\"\(min(900, features.validFrames))\" height=\"\(features.bins)\" src=\"data:image/bmp;base64,\(image.base64EncodedString())\">"
  }

  /// A grey picture, low bands at the bottom, dark for loud: 8 bits a point.
  private static func bitmap(_ values: [Float], frames: Int, bins: Int) -> Data {
    // Normalised features: nearly all lie within two and a half deviations.
    func shade(_ value: Float) -> UInt8 {
      UInt8(max(0, min(255, 255 * (1 - (value + 1.5) / 4))))
    }
    let stride = (frames + 3) / 4 * 4
    let begin = 14 + 40 + 1024
    var data = Data(capacity: begin + stride * bins)
    func put<Value: FixedWidthInteger>(_ value: Value) {
      withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }
    data += Data("BM".utf8)
    put(UInt32(begin + stride * bins))
    put(UInt32(0))
    put(UInt32(begin))
    put(UInt32(40))
    put(Int32(frames))
    put(Int32(bins))
    put(UInt16(1))
    put(UInt16(8))
    for _ in 0..<6 { put(UInt32(0)) }
    for level in 0..<256 { put(UInt32(level) * 0x010101) }
    for bin in 0..<bins {
      for frame in 0..<stride {
        put(frame < frames ? shade(values[frame * bins + bin]) : UInt8(255))
      }
    }
    return data
  }
}
