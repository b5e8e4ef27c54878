import AcousticFeatures
import Basics
import Foundation
import Pictures
import TestSupport
import Testing

@Suite struct SoundPictureTests {
  private func overview(_ samples: [Float], rate: Int = 16_000) throws -> SoundOverview {
    let bands = try FrontEndConfiguration.spectral(.librosaMel(sampleRate: rate)).bands
    return try SoundOverview(mel: bands) { consume in
      for start in stride(from: 0, to: samples.count, by: 3000) {
        try consume(Array(samples[start..<min(start + 3000, samples.count)]))
      }
    }
  }

  private func tone(_ hertz: Double, seconds: Double, rate: Int = 16_000) -> [Float] {
    (0..<Int(seconds * Double(rate))).map {
      Float(0.5 * sin(2 * .pi * hertz * Double($0) / Double(rate)))
    }
  }

  /// A tone is loudest at its own frequency and in its own time, in recordings long and short.
  @Test(arguments: [0.02, 0.3, 5, 60])
  func whereAToneIs(_ seconds: Double) throws {
    let samples = tone(1000, seconds: seconds / 2) + tone(4000, seconds: seconds / 2)
    let overview = try overview(samples)
    let bins = overview.spectrum.count / overview.columns
    for (share, hertz) in [(0.25, 1000.0), (0.75, 4000)] {
      let column = Int(Double(overview.columns) * share)
      let levels = overview.spectrum[column * bins..<(column + 1) * bins]
      let loudest = try #require(levels.max())
      let bin = try #require(levels.firstIndex(of: loudest)) - column * bins
      #expect(abs(Double(bin) / Double(bins - 1) * 8000 - hertz) < 32, "\(hertz)")
      #expect(loudest > 0.95)
    }
    #expect(abs(overview.seconds - seconds) < 1e-3)
    let middle = overview.columns / 4
    #expect(overview.greatest[middle] <= 0.5 && overview.least[middle] >= -0.5)
    #expect(overview.greatest.max()! > 0.45 && overview.least.min()! < -0.45)
  }

  /// What is thinned still ends where the recording does.
  @Test func thinned() throws {
    let samples = tone(1000, seconds: 3, rate: 48_000)
    let bands = try FeaturePreset.wavenet.configuration(sampleRate: 48_000).bands
    let overview = try SoundOverview(mel: bands) { try $0(samples) }
    let bins = overview.bands.count / overview.columns
    for column in [10, overview.columns / 2, overview.columns - 10] {
      let levels = overview.bands[column * bins..<(column + 1) * bins]
      #expect(try #require(levels.max()) > 0.9, "column \(column)")
    }
  }

  /// The waveform is one line, and that of few samples goes through each, not back to zero.
  @Test(arguments: [1, 2, 37, 960, 1199, 1200, 1700, 20_000])
  func oneLine(_ count: Int) throws {
    let samples = (0..<count).map { 0.6 + Float(0.3 * sin(Double($0) * 0.9)) }
    let overview = try overview(samples, rate: 48_000)
    let width = SoundOverview.mostColumns
    let spans = (0..<width).map { overview.waveform(at: $0, of: width) }
    for (one, next) in zip(spans, spans.dropFirst()) { #expect(one.overlaps(next)) }
    #expect(spans.allSatisfy { $0.lowerBound > 0.29 && $0.upperBound < 0.91 })
    for (index, sample) in samples.enumerated() {
      let x = min(width - 1, (2 * index + 1) * width / (2 * count))
      let near = spans[max(0, x - 1)...min(width - 1, x + 1)]
      #expect(
        near.contains { $0.lowerBound - 1e-6 <= sample && sample <= $0.upperBound + 1e-6 },
        "sample \(index)")
    }
  }

  @Test func silenceAndNothing() throws {
    let silence = try overview([Float](repeating: 0, count: 16_000))
    #expect(silence.spectrum.allSatisfy { $0 == 0 } && silence.greatest.allSatisfy { $0 == 0 })
    let nothing = #expect(throws: IdiolectError.self) { try overview([]) }
    #expect(nothing?.code == .invalidAudio)
  }

  /// Every preset gives a picture of its size, of the PNG format, of one sample as of many.
  @Test(arguments: FeaturePreset.allCases.map(\.rawValue))
  func everyPreset(_ preset: String) throws {
    let configuration = try FeaturePreset(named: preset).configuration()
    for samples in [tone(440, seconds: 0.5), [0.5]] {
      let bytes = try SoundPicture(of: configuration, title: "tone é") { try $0(samples) }.png()
      #expect(bytes.prefix(8) == Data([0x89] + Array("PNG\r\n\u{1A}\n".utf8)))
      func number(_ place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
      #expect(number(16) == 1396 && number(20) == 956)
    }
  }

  @Test func roundNumbers() {
    #expect(Axis.ticks(from: 0, to: 8000, most: 8) == (0...8).map { Double($0) * 1000 })
    func labels(to high: Double) -> [String] {
      Axis.labels(Axis.ticks(from: 0, to: high, most: 10))
    }
    #expect(labels(to: 7.3) == (0...7).map(String.init))
    #expect(labels(to: 0.01) == (0...9).map { "0.00\($0)" } + ["0.010"])
    #expect(labels(to: 2.5).suffix(2) == ["2.0", "2.5"])
    // One sample.
    #expect(labels(to: 1.0 / 16_000).suffix(2) == ["0.00005", "0.00006"])
    #expect(Axis.ticks(from: 0, to: 36_000, most: 10).count == 8)
  }
}
