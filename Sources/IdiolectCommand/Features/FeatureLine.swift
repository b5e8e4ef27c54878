import Basics
import Foundation
import Idiolect
import Transcription

/// The features of a recording as a line of JSON, its frames as rows of numbers.
enum FeatureLine {
  /// Numbers that one thread writes at a time.
  private static let part = 16_384

  /// Hands the line to `append` in parts, for its frames are counted when they are there.
  ///
  /// - Throws: what `make` and `append` throw.
  static func write(
    _ name: String, _ frontEnd: any FrontEnd, _ make: FeatureSink.Maker,
    to append: @escaping (Data) throws -> Void
  ) throws -> (total: Int, valid: Int) {
    let bins = frontEnd.bins
    let (name, made) = (JSONValue.string(name), JSONValue.string(frontEnd.fingerprint))
    try append(
      Data(
        "{\"name\":\(name.text(.compact)),\"front_end\":\(made.text(.compact)),\"bins\":\(bins),\"features\":["
          .utf8))
    var isFirst = true
    let counts = try make { values in
      let frames = values.count / bins
      guard frames > 0 else { return }
      let share = max(1, FeatureLine.part / bins)
      let parts = stride(from: 0, to: frames, by: share).map { $0..<min($0 + share, frames) }
      for text in try parallelMap(parts, { FeatureLine.rows($0, of: values, bins: bins) }) {
        // What is first follows no comma.
        try append(isFirst ? text.dropFirst() : text)
        isFirst = false
      }
    }
    try append(Data("],\"frames\":\(counts.total),\"valid_frames\":\(counts.valid)}".utf8))
    return counts
  }

  /// `,[…],[…]`
  private static func rows(_ rows: Range<Int>, of values: [Float], bins: Int) -> Data {
    let (comma, open, close) = (UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(rows.count * bins * 12)
    for row in rows {
      bytes.append(comma)
      for index in row * bins..<(row + 1) * bins {
        bytes.append(index == row * bins ? open : comma)
        // A float's own digits, which those of the same number as a double are not.
        var digits = values[index].description
        digits.withUTF8 { bytes.append(contentsOf: $0) }
      }
      bytes.append(close)
    }
    return Data(bytes)
  }
}
