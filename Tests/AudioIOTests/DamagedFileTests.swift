import AudioIO
import Basics
import Foundation
import TestSupport
import Testing

/// Files that are missing, foreign, cut or poisoned: one clear error each, never a crash.
@Suite struct DamagedFileTests {
  let directory: String

  init() throws { directory = try Golden.temporaryDirectory() }

  func write(_ bytes: [UInt8], _ name: String = "x.wav") throws -> String {
    let path = "\(directory)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  func fixture(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: FormatParityTests.path(name))))
  }

  func expectError(_ path: String, _ code: IdiolectError.Code, _ words: String) {
    let error = #expect(throws: IdiolectError.self) { try readAudio(path, sampleRate: 16_000) }
    #expect(error?.code == code, "\(error?.message ?? "")")
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    #expect(error?.message.hasPrefix(path) == true, "\(error?.message ?? "")")
  }

  @Test func whatIsNotAFile() throws {
    expectError("\(directory)/none.wav", .notFound, "missing")
    expectError("\(directory)/none.wav/below.wav", .notFound, "missing")
    expectError(directory, .invalidAudio, "is a directory")
    expectError("/dev/null", .invalidAudio, "not a regular file")
    #expect(mkfifo("\(directory)/pipe", 0o600) == 0)
    expectError("\(directory)/pipe", .invalidAudio, "not a regular file")
    #expect(throws: IdiolectError.self) { try readAudio("", sampleRate: nil) }
    #expect(throws: IdiolectError.self) { try readAudio("a\0b", sampleRate: nil) }
  }

  @Test func whatIsNotAudio() throws {
    expectError(try write([], "empty.wav"), .invalidAudio, "empty")
    expectError(
      try write(Array("hello, this is a text\n".utf8), "text.wav"), .invalidAudio, "not audio")
    expectError(try write([0x52]), .invalidAudio, "not audio")
    let mp4: [UInt8] = [0, 0, 0, 32] + Array("ftypM4A ".utf8) + [UInt8](repeating: 0, count: 64)
    expectError(try write(mp4, "talk.m4a"), .unsupported, "MP4")
    let webm: [UInt8] = [0x1A, 0x45, 0xDF, 0xA3] + [UInt8](repeating: 1, count: 64)
    expectError(try write(webm, "talk.webm"), .unsupported, "Matroska or WebM")
  }

  @Test func whatOnlyBeginsAsAudio() throws {
    let beginnings: [(String, [UInt8])] = [
      ("MP3", Array("ID3".utf8)), ("FLAC", Array("fLaC".utf8)), ("WAV", Array("RIFF0000WAVE".utf8)),
      ("AIFF", Array("FORM0000AIFF".utf8)), ("CAF", Array("caff".utf8)),
    ]
    for (name, beginning) in beginnings {
      let path = try write(beginning + [UInt8](repeating: 0, count: 200), "x.audio")
      expectError(path, .invalidAudio, name)
      expectError(path, .invalidAudio, "damaged")
    }
  }

  @Test(arguments: [(UInt8(0x55), UInt8(0), "codec 0x55 (MP3)"), (0x61, 1, "codec 0x161")])
  func wavWithAnotherCodecInside(low: UInt8, high: UInt8, words: String) throws {
    var bytes = Wave(samples: [1, 2, 3, 4]).bytes
    (bytes[20], bytes[21]) = (low, high)
    expectError(try write(bytes), .unsupported, words)
  }

  @Test func wavWithoutSamples() throws {
    expectError(try write(Wave(samples: []).bytes), .invalidAudio, "empty")
  }

  @Test func unreadableFile() throws {
    let path = try write(Wave(samples: [1]).bytes)
    #expect(chmod(path, 0) == 0)
    // The superuser may read everything.
    if getuid() != 0 { expectError(path, .inputOutput, "cannot be read") }
  }

  @Test(arguments: [
    "mp3", "wav-16", "wav-24", "wav-float", "wav-ulaw", "rf64-16", "aiff-16", "caf-16", "au-ulaw",
  ])
  func truncationIsSeenWhenOpening(name: String) throws {
    let whole = try fixture(name)
    for kept in [whole.count * 9 / 10, whole.count / 2] {
      let path = try write(Array(whole[..<kept]), "\(name).audio")
      let error = #expect(throws: IdiolectError.self) { try AudioReader(path) }
      #expect(error?.message.contains("truncated") == true, "\(error?.message ?? "")")
    }
  }

  @Test(arguments: ["flac-16", "flac-24", "ogg-vorbis", "ogg-opus"])
  func truncationIsSeenWhenReading(name: String) throws {
    let whole = try fixture(name)
    for kept in [whole.count - 3, whole.count * 9 / 10] {
      let path = try write(Array(whole[..<kept]), "\(name).audio")
      expectError(path, .invalidAudio, "truncated")
    }
  }

  @Test(arguments: [UInt32(0), 1, 63, 1_000_001, 0x7FFF_FFFF, 4_000_000_000])
  func absurdRatesAreNamed(_ rate: UInt32) throws {
    var wave = Wave(samples: [0, 1, 2, 3])
    wave.sampleRate = rate
    let path = try write(wave.bytes)
    let error = #expect(throws: IdiolectError.self) { try readAudio(path, sampleRate: 16_000) }
    #expect(error?.code == .invalidAudio)
    let message = error?.message ?? ""
    #expect(message.hasPrefix(path) && !message.contains("\n"), "\(message)")
    #expect(message.components(separatedBy: path).count == 2, "\(message)")
    #expect(message.contains("declares \(rate) Hz, not a rate from 100 Hz"), "\(message)")
  }

  /// Eight samples of a thousand channels are eight thousand of one.
  @Test(arguments: [UInt16(0), 257, 1000, 5000])
  func absurdChannelsAreNamed(_ channels: UInt16) throws {
    var wave = Wave(samples: [Int16](repeating: 1, count: 16_000))
    wave.channels = channels
    expectError(
      try write(wave.bytes), .invalidAudio, "declares \(channels) channels, not 1 to 256")
  }

  /// libsndfile speaks of its own variables there.
  @Test func absurdRatesElsewhere() throws {
    let numbers: [UInt32] = [24, 8, 3, 4_000_000_000, 1]
    let header = numbers.flatMap { number in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
    let path = try write(
      Array(".snd".utf8) + header + [UInt8](repeating: 1, count: 8), "x.au")
    expectError(path, .invalidAudio, "AU, but its sample rate, channels or length make no sense")
  }

  /// A live capture that was stopped: every page is whole, and none ends the stream.
  @Test(arguments: ["ogg", "opus"]) func oggWithoutLastPage(_ type: String) throws {
    let tone = (0..<16_000 * 5).map { 0.3 * sin(Float($0) * 0.1) }
    let path = "\(directory)/whole.\(type)"
    try AudioWriter.write(tone, sampleRate: 16_000, to: path)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let last = try #require(bytes.range(of: Data("OggS".utf8), options: .backwards))
    let cut = try write(Array(bytes[..<last.lowerBound]), "live.\(type)")
    let live = try readAudio(cut, sampleRate: 16_000)
    #expect(live.count > 16_000 && live.count < tone.count)
  }

  /// What ffmpeg, sox and programs that were killed leave in the two length fields.
  @Test(arguments: [UInt32.max, 0, 0x7FFF_F000, 0x8000_0000])
  func streamedWavIsAccepted(declared: UInt32) throws {
    var wave = Wave(samples: (0..<1000).map { Int16($0) })
    wave.declaredBytes = declared
    let samples = try readAudio(try write(wave.bytes), sampleRate: nil)
    #expect(samples == (0..<1000).map { Float($0) / 32_768 })
  }

  /// An encoder that writes to a pipe leaves the number of samples at 0.
  @Test func streamedFlacIsAccepted() throws {
    var bytes = try fixture("flac-16")
    let whole = try readAudio(FormatParityTests.path("flac-16"), sampleRate: nil)
    bytes[21] &= 0xF0
    for place in 22..<26 { bytes[place] = 0 }
    let path = try write(bytes, "streamed.flac")
    #expect(try AudioReader(path).description.frames == nil)
    #expect(try AudioReader(path).description.durationSeconds == nil)
    #expect(try readAudio(path, sampleRate: nil) == whole)
    let part = try readAudio(path, sampleRate: nil, offsetSeconds: 0.05, durationSeconds: 0.01)
    #expect(part == Array(whole[400..<480]))
    let error = #expect(throws: IdiolectError.self) {
      try readAudio(path, sampleRate: nil, offsetSeconds: 2)
    }
    #expect(error?.message.contains("nothing begins at 2.0 s") == true)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func samplesThatAreNotNumbersAreLocated(value: Float) throws {
    for (sample, seconds) in [(0, "0.0 s"), (70_000, "4.375 s"), (79_999, "4.9999375 s")] {
      var values = [Float](repeating: 0.25, count: 80_000)
      values[sample] = value
      let path = try write(Wave(floats: values).bytes)
      expectError(path, .invalidAudio, "sample \(sample) (at \(seconds))")
    }
  }

  @Test func offsetsBeyondTheEnd() throws {
    let path = try write(Wave(samples: [1, 2, 3, 4]).bytes)
    #expect(throws: IdiolectError.self) { try readAudio(path, sampleRate: nil, offsetSeconds: 1) }
    for bad in [-1, Double.nan, .infinity, 1e300] {
      #expect(throws: IdiolectError.self) {
        try readAudio(path, sampleRate: nil, offsetSeconds: bad)
      }
      #expect(throws: IdiolectError.self) {
        try readAudio(path, sampleRate: nil, durationSeconds: bad)
      }
    }
    let far = #expect(throws: IdiolectError.self) {
      try readAudio(path, sampleRate: nil, offsetSeconds: 1e300)
    }
    #expect(far?.message.contains("offset of 1e+300 s, which is beyond any recording") == true)
    #expect(try readAudio(path, sampleRate: nil, durationSeconds: 0) == [])
    #expect(try readAudio(path, sampleRate: 8000, durationSeconds: 0) == [])
    let reader = try AudioReader(path)
    #expect(try reader.next(maximumFrames: 1)?.count == 1)
    #expect(try reader.next(maximumFrames: .max)?.count == 3)
  }

  /// What was asked for and is not there is known once all else was read, be the length declared or not.
  @Test(arguments: ["wav-16", "flac-24", "ogg-opus", "mp3"])
  func whatIsMissing(_ name: String) throws {
    let path = FormatParityTests.path(name)
    let whole = try readAudio(path, sampleRate: nil)
    let rate = Double(try AudioReader(path).description.sampleRate)
    let seconds = Double(whole.count) / rate
    for (offset, duration, missing) in [
      (0, seconds + 0.5, 0.5), (0.1, seconds, 0.1), (0.1, seconds - 0.1, 0), (0, 0.05, 0),
    ] {
      for sampleRate in [nil, 16_000] {
        let reader = try AudioReader(
          path, sampleRate: sampleRate, offsetSeconds: offset, durationSeconds: duration)
        #expect(reader.missingSeconds == 0)
        while try reader.next(maximumFrames: 1000) != nil {}
        #expect(abs(reader.missingSeconds - missing) < 2 / rate, "\(offset), \(duration)")
      }
    }
    let reader = try AudioReader(path)
    _ = try reader.readAll()
    #expect(reader.missingSeconds == 0)
  }

  @Test func oneSample() throws {
    let path = try write(Wave(samples: [16_384]).bytes)
    #expect(try readAudio(path, sampleRate: nil) == [0.5])
    #expect(try readAudio(path, sampleRate: 8000).count <= 2)
  }

  @Test func eightChannelsAt192Kilohertz() throws {
    var wave = Wave(samples: (0..<(8 * 19_200)).map { Int16($0 % 8 * 1000) })
    wave.channels = 8
    wave.sampleRate = 192_000
    let samples = try readAudio(try write(wave.bytes), sampleRate: 16_000)
    #expect(samples.count == 1600)
    #expect(abs(samples[800] - 3500.0 / 32_768) < 1e-5)
  }

  /// Damage of every kind: any answer will do but a crash or endless work.
  @Test(arguments: FormatParityTests.exact + FormatParityTests.lossy)
  func damageNeverCrashes(name: String) throws {
    let whole = try fixture(name)
    var random = SeededRandom(seed: 5, name.count)
    for _ in 0..<60 {
      var bytes = whole
      for _ in 0...random.integer(below: 4) {
        // Headers are where damage matters.
        let place = random.integer(
          below: random.uniform() < 0.7 ? min(120, bytes.count) : bytes.count)
        bytes[place] = random.uniform() < 0.3 ? 0xFF : UInt8(random.integer(below: 256))
      }
      if random.uniform() < 0.3 { bytes.removeLast(random.integer(below: bytes.count)) }
      let path = try write(bytes, "\(name).audio")
      do {
        let reader = try AudioReader(path, sampleRate: 16_000)
        // A damaged rate may make a short file last for hours.
        for _ in 0..<50 { guard try reader.next(maximumFrames: 65_536) != nil else { break } }
      } catch let error as IdiolectError {
        #expect(error.message.contains(path))
      }
    }
  }
}
