import Basics
import Foundation
import TestSupport

/// A directory with recordings and manifests for one test.
final class CorpusFolder {
  let path: String

  init() throws { path = try Golden.temporaryDirectory() }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a manifest and returns its path.
  func manifest(_ lines: [String]) throws -> String {
    try AtomicFile.write(lines.joined(separator: "\n"), to: "\(path)/m.jsonl")
    return "\(path)/m.jsonl"
  }

  /// Writes mono samples as 16-bit WAV.
  func wav(_ name: String, _ samples: [Float], rate: UInt32 = 16_000) throws {
    var data = Data("RIFF".utf8)
    func append<Value: FixedWidthInteger>(_ value: Value) {
      withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }
    append(UInt32(36 + 2 * samples.count))
    data.append(contentsOf: Data("WAVEfmt ".utf8))
    append(UInt32(16))
    append(UInt16(1))
    append(UInt16(1))
    append(rate)
    append(2 * rate)
    append(UInt16(2))
    append(UInt16(16))
    data.append(contentsOf: Data("data".utf8))
    append(UInt32(2 * samples.count))
    for sample in samples { append(Int16(max(-1, min(1, sample)) * 32_767)) }
    try AtomicFile.write(data, to: "\(path)/\(name)")
  }

  /// White noise: sound in every band.
  static func noise(seconds: Double, rate: Int = 16_000, level: Float = 0.1, seed: UInt64)
    -> [Float]
  {
    var random = SeededRandom(seed: seed)
    return (0..<Int(seconds * Double(rate))).map { _ in level * random.normal() }
  }
}
