import Basics
import Testing
import Transcription

/// Windows: together the whole recording, none too long, cut in the pauses.
struct WindowReaderTests {
  private func windows(
    _ samples: [Float], block: Int, windowSeconds: Double = 8
  ) throws -> [(startSeconds: Double, samples: [Float])] {
    var rest = samples[...]
    var reader = WindowReader(
      sampleRate: Recordings.sampleRate, windowSeconds: windowSeconds
    ) { count in
      let part = rest.prefix(min(count, block))
      rest = rest.dropFirst(part.count)
      return part.isEmpty ? nil : Array(part)
    }
    var result: [(startSeconds: Double, samples: [Float])] = []
    while let window = try reader.next() { result.append(window) }
    #expect(reader.isExhausted)
    return result
  }

  @Test(arguments: [1_000, 1 << 20], [0.0, 0.001, 7.9, 8, 8.5, 9, 9.0001, 25, 40.3])
  func nothingIsLostOrRepeated(_ block: Int, _ seconds: Double) throws {
    let samples = Recordings.noise(seconds: seconds, seed: 1)
    let windows = try windows(samples, block: block)
    #expect(windows.flatMap(\.samples) == samples)
    var start = 0
    for window in windows {
      #expect(window.startSeconds == Double(start) / Double(Recordings.sampleRate))
      start += window.samples.count
    }
    for window in windows.dropLast() {
      #expect((96_000...128_000).contains(window.samples.count))
    }
    // No sliver at the end, which the front end would refuse, and nothing much above the limit.
    if seconds > 1 { #expect((16_000...144_000).contains(windows.last!.samples.count)) }
  }

  @Test func cutsInThePause() throws {
    let pause = 7.1...7.5
    let samples = Recordings.noise(seconds: 12, seed: 2, pauses: [2...3, pause])
    let windows = try windows(samples, block: 4_096)
    #expect(windows.count == 2)
    #expect(pause.contains(windows[1].startSeconds))
  }

  @Test func anErrorOfTheSourceComesThrough() {
    struct Failure: Error {}
    var reader = WindowReader(sampleRate: 16_000, windowSeconds: 8) { _ in throw Failure() }
    #expect(throws: Failure.self) { try reader.next() }
  }
}
