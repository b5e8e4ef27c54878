import AcousticFeatures
import AudioIO
import Basics
import Foundation
import TestSupport
import Testing

/// Conventions that look at the whole recording, following what came so far: against a computation that goes over all
/// of that anew for every frame.
@Suite struct RunningFeaturesTests {
  private func speech(_ count: Int) throws -> [Float] {
    let path = "\(Golden.directory)/features/presets/speech-500ms.flac"
    return Array(try readAudio(path, sampleRate: nil).prefix(count))
  }

  private func running(_ preset: FeaturePreset, _ samples: [Float]) throws -> [Float] {
    let stream = try FeatureStream(preset.configuration(), whole: .running)
    var result: [Float] = []
    for start in stride(from: 0, to: samples.count, by: 333) {
      result += try stream(samples[start..<min(start + 333, samples.count)])
    }
    return try result + stream.finish()
  }

  /// Each column less the mean of what came, over its deviation.
  ///
  /// - Parameters:
  ///   - rows: `[frames, bins]`.
  ///   - unbiased: what is taken off the count under the variance.
  ///   - divisor: of a variance.
  private func standardised(
    _ rows: [Float], bins: Int, unbiased: Int, divisor: (Double) -> Double
  ) -> [Float] {
    rows.indices.map { index in
      let column = stride(from: index % bins, through: index, by: bins).map { Double(rows[$0]) }
      let mean = column.reduce(0, +) / Double(column.count)
      let squares = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return Float(
        (Double(rows[index]) - mean) / divisor(squares / Double(max(1, column.count - unbiased))))
    }
  }

  @Test func waveform() throws {
    let samples = try speech(3000)
    let expected = standardised(samples, bins: 1, unbiased: 0) { ($0 + 1e-7).squareRoot() }
    #expect(Golden.relativeError(try running(.wav2vec2, samples), expected) < 1e-5)
  }

  @Test func logMel() throws {
    let samples = try speech(8000)
    var plain = LogMelConfiguration()
    plain.normalization = .none
    let rows = try LogMel(plain)(samples)
    let expected = standardised(
      Array(rows.values.prefix(rows.validFrames * 80)), bins: 80, unbiased: 1
    ) { $0.squareRoot() + 1e-5 }
    #expect(Golden.relativeError(try running(.nemo, samples), expected) < 1e-4)
  }

  @Test func twoFramesToARow() throws {
    let samples = try speech(8000)
    let rows = try KaldiFbank(fbank())(samples)
    var expected = standardised(rows.values, bins: 80, unbiased: 1) { ($0 + 1e-7).squareRoot() }
    expected += [Float](repeating: 0, count: expected.count % 160)
    #expect(Golden.relativeError(try running(.wav2vec2Bert, samples), expected) < 1e-4)
  }

  private func fbank() -> KaldiFbankConfiguration {
    var result = KaldiFbankConfiguration()
    result.mel.bands = 80
    return result
  }

  /// At most 80 dB below the loudest band that came so far, and then the cosine transform.
  @Test(arguments: [
    FeaturePreset.librosaMFCC, .torchaudioMFCC, .speechbrainFbank, .wavenet,
  ])
  func loudestSoFar(_ preset: FeaturePreset) throws {
    // Quiet at first, so that the loudest changes; and silent, so that there is something to lift.
    let voice = try speech(8000)
    let samples = [Float](repeating: 0, count: 2000) + voice.map { 0.01 * $0 } + voice + voice
    guard case .spectral(let configuration) = preset.configuration() else {
      Issue.record("another kind")
      return
    }
    var plain = configuration
    (plain.logarithm.range, plain.cepstra) = (nil, nil)
    let bands = try SpectralFrontEnd(plain)(samples)
    var loudest = -Float.infinity
    var expected: [Float] = []
    var lifted = 0
    for frame in 0..<bands.frames {
      var row = Array(bands.values[frame * bands.bins..<(frame + 1) * bands.bins])
      loudest = max(loudest, row.max()!)
      lifted += row.count { $0 < loudest - 80 }
      row = row.map { max($0, loudest - 80) }
      guard let count = configuration.cepstra?.count else {
        expected += row
        continue
      }
      for order in 0..<count {
        let sum = row.enumerated().reduce(0.0) { sum, band in
          let angle = Double.pi / Double(row.count) * (Double(band.offset) + 0.5) * Double(order)
          return sum + Double(band.element) * cos(angle)
        }
        expected.append(Float(sum * ((order == 0 ? 1 : 2) / Double(row.count)).squareRoot()))
      }
    }
    #expect(lifted > 0)
    #expect(Golden.relativeError(try running(preset, samples), expected) < 1e-5)
  }
}
