import AcousticFeatures
import AudioIO
import Basics
import CKernels
import Foundation
import TestSupport
import Testing

/// The loops that a frame goes through, beside plain ones in double precision.
struct FrameKernelTests {
  private func random(_ count: Int, _ seed: Int) -> [Float] {
    var source = SeededRandom(seed: 5, seed)
    return (0..<count).map { _ in Float(source.normal()) }
  }

  @Test func logarithms() {
    // Every exponent, also of numbers too small for one.
    var values = (-149..<128).flatMap { exponent in
      (0..<64).map { Float(sign: .plus, exponent: exponent, significand: 1 + Float($0) / 64) }
    }
    let expected = values.map { log(Double($0)) }
    ck_logarithm(&values, values.count, CK_LOG_ZERO, 1, 1)
    for (found, expected) in zip(values, expected) {
      #expect(abs(Double(found) - expected) <= Double(max(Float(abs(expected)).ulp, 1e-45)))
    }
    var odd: [Float] = [0, -1, .infinity, .nan, 1]
    ck_logarithm(&odd, odd.count, CK_LOG_OFFSET, 0, 2)
    #expect(odd[0] == -.infinity && odd[1].isNaN && odd[2] == .infinity && odd[3].isNaN)
    #expect(odd[4] == 0)
    var guarded: [Float] = [0, 0.25, .nan]
    ck_logarithm(&guarded, guarded.count, CK_LOG_FLOOR, 0.5, 1)
    #expect(guarded[0] == guarded[1] && abs(guarded[0] + Float(M_LN2)) < 1e-7 && guarded[2].isNaN)
  }

  @Test(arguments: [1, 2, 15, 16, 17, 400]) func frames(_ count: Int) {
    let (x, window) = (random(count + 1, 1), random(count, 2))
    var found = [Float](repeating: 0, count: count)
    x.withUnsafeBufferPointer {
      ck_frame_samples($0.baseAddress! + 1, 0.5, 2, &found, count)
    }
    for i in 0..<count { #expect(abs(found[i] - (x[i + 1] - 0.5 * x[i]) * 2) < 1e-5) }
    ck_frame_samples(x, 0, 3, &found, count)
    for i in 0..<count { #expect(found[i] == x[i] * 3) }
    ck_window_frame(x, 0.97, window, &found, count)
    for i in 0..<count {
      #expect(abs(found[i] - (x[i] - 0.97 * x[max(0, i - 1)]) * window[i]) < 1e-5)
    }
    var centred = Array(x.prefix(count))
    let mean = centred.reduce(0.0) { $0 + Double($1) } / Double(count)
    ck_remove_mean(&centred, count)
    for i in 0..<count { #expect(abs(Double(centred[i]) - (Double(x[i]) - mean)) < 1e-6) }
    let energy = x.prefix(count).reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(abs(ck_frame_energy(x, count) - energy) < 1e-9 * Double(count))
  }

  @Test(arguments: [1, 7, 8, 9, 80]) func bands(_ bands: Int) {
    let power = random(400, 3)
    let eights = (bands + 7) / 8
    let widths = (0..<eights).map { Int32($0 % 4) }
    let starts = (0..<8 * eights).map { Int32($0 < bands ? 3 * $0 : 0) }
    let weights = random(64 * widths.reduce(0) { $0 + Int($1) } + 1, 4)
    var found = [Float](repeating: .nan, count: bands + 1)
    ck_bands(power, starts, widths, weights, bands, &found)
    var first = 0
    for eight in 0..<eights {
      for place in 0..<min(8, bands - 8 * eight) {
        let band = 8 * eight + place
        let expected = (0..<8 * Int(widths[eight])).reduce(0.0) { sum, bin in
          sum + Double(power[3 * band + bin])
            * Double(weights[first + bin / 8 * 64 + 8 * place + bin % 8])
        }
        #expect(abs(Double(found[band]) - expected) < 1e-5)
      }
      first += 64 * Int(widths[eight])
    }
    // Nothing beyond.
    #expect(found[bands].isNaN)
  }

  @Test(arguments: [1, 2, 3, 15, 16, 17, 200, 256]) func powerOfHalves(_ count: Int) {
    func transform(_ x: [(Double, Double)], _ bin: Int) -> (Double, Double) {
      x.enumerated().reduce((0.0, 0.0)) { sum, value in
        let turn = -2 * Double.pi * Double(value.offset * bin % x.count) / Double(x.count)
        let (real, imaginary) = value.element
        return (
          sum.0 + real * cos(turn) - imaginary * sin(turn),
          sum.1 + real * sin(turn) + imaginary * cos(turn)
        )
      }
    }
    let x = random(2 * count, 9).map(Double.init)
    let halves = (0..<count).flatMap { bin -> [Double] in
      let (real, imaginary) = transform((0..<count).map { (x[2 * $0], x[2 * $0 + 1]) }, bin)
      return [real, imaginary]
    }
    let angles = (0...count / 2).map { Double.pi * Double($0) / Double(count) }
    let turns = angles.map { sin($0) } + angles.map { cos($0) }
    let expected = (0...count).map { bin -> Double in
      let (real, imaginary) = transform(x.map { ($0, 0) }, bin)
      return real * real + imaginary * imaginary
    }
    let most = expected.max()!
    var found = [Float](repeating: .nan, count: count + 2)
    ck_power_of_halves_double(halves, turns, &found, count)
    for bin in 0...count { #expect(abs(Double(found[bin]) - expected[bin]) < 1e-7 * most) }
    ck_power_of_halves(halves.map { Float($0) }, turns.map { Float($0) }, &found, count)
    for bin in 0...count { #expect(abs(Double(found[bin]) - expected[bin]) < 2e-6 * most) }
    #expect(found[count + 1].isNaN)
  }

  @Test(arguments: [0, 1, 15, 16, 100]) func largest(_ count: Int) {
    let x = random(count, 10)
    #expect(ck_largest(x, count) == x.max() ?? -.infinity)
  }

  @Test(arguments: [1, 13, 16, 40]) func projection(_ width: Int) {
    let (count, stride) = (81, (width + 15) / 16 * 16)
    let (x, rows) = (random(count, 5), random(count * stride, 6))
    var found = [Float](repeating: 0, count: width)
    ck_project(x, count, rows, width, &found)
    for column in 0..<width {
      let expected = (0..<count).reduce(0.0) {
        $0 + Double(x[$1]) * Double(rows[$1 * stride + column])
      }
      #expect(abs(Double(found[column]) - expected) < 1e-4)
    }
  }

  /// Scaled samples of no sound are refused however long the recording is.
  @Test(arguments: ["kaldi-fbank", "nemo", "wav2vec2", "librosa-mfcc"]) func loudSamples(
    _ preset: String
  ) throws {
    let frontEnd = try frontEnd(named: preset, sampleRate: 16_000)
    var samples = random(16_000, 11).map { 0.1 * $0 }
    for value in [Float(1e6), -2e9, .infinity, .nan] {
      let place = 15_999
      samples[place] = value
      let error = #expect(throws: IdiolectError.self) { try frontEnd(samples) }
      #expect(error?.message.contains("sample 15999") == true, "\(String(describing: error))")
    }
    samples[15_999] = 9e5
    _ = try frontEnd(samples)
  }

  @Test func within() {
    for count in [0, 1, 4095, 4096, 4097, 10_000] {
      var x = random(count, 12)
      #expect(ck_all_within(x, count, 100))
      guard count > 0 else { continue }
      x[count - 1] = -100
      #expect(!ck_all_within(x, count, 100) && ck_all_within(x, count - 1, 100))
      x[count - 1] = .nan
      #expect(!ck_all_within(x, count, 100))
    }
  }

  @Test func finite() {
    var values = random(1001, 7)
    #expect(ck_all_finite(values, values.count))
    for (place, odd) in [(0, Float.nan), (500, .infinity), (1000, -.infinity)] {
      let kept = values[place]
      values[place] = odd
      #expect(!ck_all_finite(values, values.count))
      values[place] = kept
    }
  }

  /// On the engine's threads a recording has the bits that it has on one.
  @Test(arguments: ["torchaudio-mfcc", "nemo", "kaldi-fbank", "whisper", "python-speech-features"])
  func threads(_ preset: String) throws {
    let frontEnd = try frontEnd(named: preset, sampleRate: 16_000)
    let samples = random(16_000 * 20, 8).map { 0.1 * $0 }
    let here = try frontEnd(samples)
    let there = try onEngine { try frontEnd(samples) }
    #expect(here.values == there.values && here.validFrames == there.validFrames)
  }

  /// SeamlessM4T's features are made in double precision: quiet bands beside loud ones show it.
  @Test func doublePrecision() throws {
    let count = 400 + 160 * 9
    let samples = (0..<count).map { (place: Int) -> Float in
      let turn = 2 * Double.pi * Double(place) / 16_000
      return Float(0.9 * sin(200 * turn) + 1e-6 * sin(5_003 * turn))
    }
    var fbank = KaldiFbankConfiguration()
    fbank.mel.bands = 80
    fbank.frame.isDouble = false
    let expected = reference(samples, frames: 10)
    func worst(_ configuration: KaldiFbankConfiguration) throws -> Double {
      let frontEnd = try KaldiFbank(configuration)
      let found = try frontEnd(samples).values
      #expect(found.count == expected.count)
      return zip(found, expected).reduce(0.0) { max($0, abs(Double($1.0) - $1.1)) }
    }
    let single = try worst(fbank)
    fbank.frame.isDouble = true
    let double = try worst(fbank)
    #expect(double < 5e-5)
    // It is no matter of course.
    #expect(single > 10 * double)
    let pipeline = PipelineConfiguration(
      .kaldiFbank(fbank),
      steps: [
        .standardise(Standardisation(guarded: .variance(1e-7))),
        .stack(frames: 2, stride: 2, fill: 0),
      ])
    #expect(FeaturePreset.wav2vec2Bert.configuration() == .pipeline(pipeline))
  }

  /// Kaldi's 80 mel bands, term by term.
  private func reference(_ samples: [Float], frames: Int) -> [Double] {
    func mel(_ hertz: Double) -> Double { 1127 * log(1 + hertz / 700) }
    let (low, high) = (mel(20), mel(8000))
    let edges = (0..<82).map { low + (high - low) / 81 * Double($0) }
    let turns = (0..<512).map { 2 * Double.pi * Double($0) / 512 }
    let (cosines, sines) = (turns.map { cos($0) }, turns.map { sin($0) })
    return (0..<frames).flatMap { frame -> [Double] in
      var x = (0..<400).map { Double(samples[160 * frame + $0]) * 32_768 }
      let mean = x.reduce(0, +) / 400
      x = x.map { $0 - mean }
      let shaped = (0..<400).map { (i: Int) -> Double in
        let raised = 0.5 - 0.5 * cos(2 * Double.pi * Double(i) / 399)
        return (x[i] - 0.97 * x[max(0, i - 1)]) * pow(raised, 0.85)
      }
      let power = (0..<256).map { bin -> Double in
        var (real, imaginary) = (0.0, 0.0)
        for i in 0..<400 {
          real += shaped[i] * cosines[bin * i % 512]
          imaginary -= shaped[i] * sines[bin * i % 512]
        }
        return real * real + imaginary * imaginary
      }
      return (0..<80).map { band in
        let (left, centre, right) = (edges[band], edges[band + 1], edges[band + 2])
        var sum = 0.0
        for bin in 0..<256 {
          let place = mel(Double(bin) * 31.25)
          let weight = min((place - left) / (centre - left), (right - place) / (right - centre))
          sum += max(0, weight) * power[bin]
        }
        return log(max(sum, 0x1p-23))
      }
    }
  }
}
