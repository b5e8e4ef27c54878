import AcousticModels
import AudioIO
import Basics
import Foundation
import TestSupport

/// A directory with a tiny model and two recordings.
final class Workplace {
  let directory: String
  var model: String { "\(directory)/model" }
  var clip: String { "\(directory)/0.wav" }

  init() throws {
    directory = try Golden.temporaryDirectory()
    try onEngine { try TinyModel.make().write(to: "\(directory)/model") }
    for index in 0..<2 {
      var random = SeededRandom(seed: UInt64(index))
      try AudioWriter.write(
        (0..<16_000 * (index + 1)).map { _ in random.uniform(-0.25...0.25) }, sampleRate: 16_000,
        to: "\(directory)/\(index).wav")
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  func write(_ text: String, to name: String) throws -> String {
    let path = "\(directory)/\(name)"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  func text(_ name: String) -> String? {
    FileManager.default.contents(atPath: "\(directory)/\(name)")
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// Everything that lies in the directory, by name.
  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
  }
}
