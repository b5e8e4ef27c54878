import AudioIO
import Basics
import TestSupport
import Testing

/// Every container and encoding against what soundfile decodes.
@Suite struct FormatParityTests {
  static let exact = [
    "wav-u8", "wav-16", "wav-24", "wav-32", "wav-float", "wav-double", "wav-alaw", "wav-ulaw",
    "wav-extensible", "rf64-16", "aiff-16", "caf-16", "au-ulaw", "flac-16", "flac-24",
  ]
  static let lossy = ["ogg-vorbis", "ogg-opus", "mp3"]

  static func path(_ name: String) -> String { "\(Golden.directory)/audio/\(name).audio" }

  @Test(arguments: exact)
  func lossless(name: String) throws {
    let golden = try Golden.array("audio/\(name).mono")
    let samples = try readAudio(Self.path(name), sampleRate: nil)
    #expect(Golden.relativeError(samples, golden.values) <= 1e-6)
  }

  /// Versions of the decoders differ a little; MP3 and Opus decoders also in how they cut the ends.
  @Test(arguments: lossy)
  func compressed(name: String) throws {
    let golden = try Golden.array("audio/\(name).mono")
    let samples = try readAudio(Self.path(name), sampleRate: nil)
    #expect(samples.count == golden.values.count)
    #expect(Golden.relativeError(samples, golden.values) <= 1e-3)
  }

  @Test(arguments: exact + lossy)
  func isDescribed(name: String) throws {
    let description = try AudioReader(Self.path(name)).description
    #expect(description.path == Self.path(name))
    #expect(description.sampleRate == 8000)
    #expect(description.channels == 2)
    #expect(description.frames == (try Golden.array("audio/\(name).mono").values.count))
    #expect(description.durationSeconds == Double(description.frames ?? 0) / 8000)
    #expect(!description.container.isEmpty && !description.encoding.isEmpty)
  }

  @Test(arguments: exact + lossy, [1, 7, 1000, 65_536])
  func blocksOfAnySizeJoinToTheWhole(name: String, size: Int) throws {
    let whole = try readAudio(Self.path(name), sampleRate: 16_000)
    let reader = try AudioReader(Self.path(name), sampleRate: 16_000)
    var joined: [Float] = []
    while let block = try reader.next(maximumFrames: size) {
      #expect(block.count == size || joined.count + block.count == whole.count)
      joined += block
    }
    #expect(joined == whole)
    #expect(try reader.next(maximumFrames: size) == nil)
  }

  @Test(arguments: exact + lossy)
  func aPartIsASliceOfTheWhole(name: String) throws {
    let whole = try readAudio(Self.path(name), sampleRate: nil)
    let part = try readAudio(
      Self.path(name), sampleRate: nil, offsetSeconds: 0.05, durationSeconds: 0.0305)
    #expect(part.count == 244)
    // Lossy decoders that start in the middle need a while to agree.
    let tolerance = Self.lossy.contains(name) ? 0.05 : 0
    #expect(Golden.relativeError(part, Array(whole[400..<644])) <= tolerance)
    let tail = try readAudio(
      Self.path(name), sampleRate: nil, offsetSeconds: 0.1, durationSeconds: 9)
    #expect(tail.count == whole.count - 800)
  }
}
