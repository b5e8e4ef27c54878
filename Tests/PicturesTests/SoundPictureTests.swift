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
    #expect(Axis.ticks(from: 0, to: 7.3, most: 10).map(Axis.label) == (0...7).map(String.init))
    #expect(Axis.ticks(from: 0, to: 0.02, most: 10).map(Axis.label).contains("0.002"))
    #expect(Axis.ticks(from: 0, to: 36_000, most: 10).count == 8)
  }
}
