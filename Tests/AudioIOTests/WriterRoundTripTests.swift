import AudioIO
import Basics
import Foundation
import TestSupport
import Testing

@Suite struct WriterRoundTripTests {
  let directory: String
  let samples: [Float]

  init() throws {
    directory = try Golden.temporaryDirectory()
    var random = SeededRandom(seed: 9)
    samples = (0..<16_001).map { index in
      Float(Int(random.uniform(-9000...9000)) + (index % 160) * 20) / 32_768
    }
  }

  @Test(arguments: ["wav", "flac"])
  func sixteenBitsComeBackAsTheyWere(type: String) throws {
    let path = "\(directory)/a.\(type)"
    try AudioWriter.write(samples, sampleRate: 11_025, to: path)
    #expect(try readAudio(path, sampleRate: nil) == samples)
    #expect(try AudioReader(path).description.sampleRate == 11_025)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["a.\(type)"])
  }

  @Test(arguments: ["opus", "ogg"])
  func opusKeepsLengthAndShape(type: String) throws {
    let path = "\(directory)/a.\(type)"
    let tone = (0..<16_001).map { Float(0.3 * sin(Double($0) * 0.2)) }
    try AudioWriter.write(tone, sampleRate: 16_000, to: path)
    let back = try readAudio(path, sampleRate: nil)
    #expect(back.count == tone.count)
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0 * $1.1) }
    }
    #expect(dot(back, tone) / (dot(back, back) * dot(tone, tone)).squareRoot() > 0.97)
  }

  @Test func loudSamplesAreClipped() throws {
    let path = "\(directory)/loud.wav"
    try AudioWriter.write([2, -2, 1, -1, 0], sampleRate: 8000, to: path)
    let top = Float(32_767) / 32_768
    #expect(try readAudio(path, sampleRate: nil) == [top, -1, top, -1, 0])
  }

  @Test func whatCannotBeWrittenIsRefused() throws {
    let refused: [([Float], Int, String)] = [
      ([0], 16_000, "a.mp7"), ([0], 16_000, "a"), ([0], 0, "a.wav"), ([0], -5, "a.flac"),
      ([0], 44_100, "a.opus"), ([.nan], 16_000, "a.wav"), ([0], 16_000, "none/a.wav"),
    ]
    for (samples, rate, name) in refused {
      let error = #expect(throws: IdiolectError.self) {
        try AudioWriter.write(samples, sampleRate: rate, to: "\(directory)/\(name)")
      }
      #expect(error?.message.contains(name) == true)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
  }

  @Test func manyThreadsReadAtOnce() async throws {
    let path = "\(directory)/a.flac"
    try AudioWriter.write(samples, sampleRate: 16_000, to: path)
    let expected = try readAudio(path, sampleRate: 8000)
    try await withThrowingTaskGroup(of: [Float].self) { group in
      for _ in 0..<32 { group.addTask { try readAudio(path, sampleRate: 8000) } }
      for try await result in group { #expect(result == expected) }
    }
  }
}
