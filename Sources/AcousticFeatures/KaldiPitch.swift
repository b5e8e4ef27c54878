import Basics
import Foundation

/// Kaldi's pitch features: how voiced a frame is, its pitch beside that of its surroundings, and how it changes.
///
/// Ghahremani et al. 2014, "A pitch extraction algorithm tuned for automatic speech recognition", with
/// the defaults of compute-and-process-kaldi-pitch-feats, but without its noise:
///
///     [2 · warped NCCF, 2 · (log pitch − weighted mean of ±75 frames), 10 · Δ log pitch]
///
/// The path through the correlations is found in double precision, where Kaldi's single precision has ties: a few
/// of its frames lie a lag or two beside the cheapest path.
public struct KaldiPitch: FrontEnd {
  public let sampleRate: Int
  public let fingerprint: String

  /// - Throws: `.invalidArgument` for a rate beyond `FrontEndConfiguration.sampleRates`.
  public init(_ configuration: KaldiPitchConfiguration = KaldiPitchConfiguration()) throws {
    try FrontEndConfiguration.validate(sampleRate: configuration.sampleRate)
    sampleRate = configuration.sampleRate
    fingerprint = stableFingerprint("kaldi-pitch", configuration)
  }

  public var bins: Int { 3 }
  public var hopSeconds: Double { 0.01 }

  public func frameCount(samples: Int) -> (total: Int, valid: Int) {
    let frames = PitchTrack.frames(samples: PitchTrack.downsampledCount(samples, sampleRate))
    return (frames, frames)
  }

  public func callAsFunction(_ samples: [Float]) throws -> Features {
    try require(samples)
    let frames = frameCount(samples: samples.count).valid
    let track = PitchTrack(samples, sampleRate: sampleRate)
    let logPitch = track.pitch.map { log($0) }
    let voicing = track.correlation.map(KaldiPitch.voicingProbability)
    var values: [Float] = []
    for frame in 0..<frames {
      let near = max(0, frame - 75)..<min(frames, frame + 76)
      let weight = near.reduce(0) { $0 + voicing[$1] }
      let mean = near.reduce(0) { $0 + voicing[$1] * logPitch[$1] } / weight
      func at(_ offset: Int) -> Double { logPitch[min(max(0, frame + offset), frames - 1)] }
      let delta = (2 * (at(2) - at(-2)) + at(1) - at(-1)) / 10
      let warped = pow(1.0001 - min(max(-1, track.correlation[frame]), 1), 0.15) - 1
      values += [Float(2 * warped), Float(2 * (logPitch[frame] - mean)), Float(10 * delta)]
    }
    return Features(frames: frames, bins: 3, validFrames: frames, values: values)
  }

  /// Of a frame with that correlation to be voiced.
  static func voicingProbability(_ correlation: Double) -> Double {
    let size = min(abs(correlation), 1)
    let odds =
      -5.2 + 5.4 * exp(7.5 * (size - 1)) + 4.8 * size - 2 * exp(-10 * size)
      + 4.2 * exp(20 * (size - 1))
    return 1 / (1 + exp(-odds))
  }
}

/// The settings of `KaldiPitch`.
public struct KaldiPitchConfiguration: Sendable, Codable, Hashable {
  /// In Hz.
  public var sampleRate = 16_000

  public init() {}
}

/// The pitch of each frame in Hz, and how well the signal correlates with itself a period later.
struct PitchTrack {
  let pitch, correlation: [Double]

  // The signal in which the pitch is sought, in Hz and samples.
  private static let rate = 4000
  private static let cutoff = 1000.0
  private static let length = 100
  private static let hop = 40
  /// Lags in samples: of 400 Hz less, and of 50 Hz and more, what the filter over lags needs.
  private static let lags = 8...82
  private static let ballast = 7000.0
  /// Lags of equal ratio, in seconds; the last that is at most 1/50.
  private static let periods = (0..<417).map { 1.0 / 400 * pow(1.005, Double($0)) }

  static func downsampledCount(_ samples: Int, _ sampleRate: Int) -> Int {
    (samples * rate + sampleRate - 1) / sampleRate
  }

  static func frames(samples: Int) -> Int { samples < length ? 0 : 1 + (samples - length) / hop }

  init(_ samples: [Float], sampleRate: Int) {
    let wave = PitchTrack.downsampled(samples, sampleRate)
    let frames = PitchTrack.frames(samples: wave.count)
    /// Of a frame: computed twice rather than kept, for a recording has many.
    func correlated(_ frame: Int) -> (products: [Double], energies: [Double]) {
      PitchTrack.correlations(wave, frame * PitchTrack.hop)
    }
    let ballasts = PitchTrack.ballasts(wave, samples: samples.count, sampleRate, frames: frames)
    let filters = PitchTrack.lagFilters
    /// At the lags in samples.
    func correlations(
      _ own: (products: [Double], energies: [Double]), _ ballast: Double
    ) -> [Double] {
      zip(own.products, own.energies).map { product, energy in
        let energy = (energy + ballast).squareRoot()
        return energy == 0 ? 0 : product / energy
      }
    }
    /// At one of the lags of equal ratio.
    func filtered(_ own: [Double], _ period: Int) -> Double {
      let filter = filters[period]
      return filter.weights.enumerated().reduce(0) {
        $0 + $1.element * own[filter.first + $1.offset]
      }
    }
    func costs(_ frame: Int) -> [Double] {
      let (given, final) = ballasts[frame]
      let correlated = correlated(frame)
      let mean = correlated.energies.reduce(0, +) / Double(PitchTrack.lags.count)
      let scale = final + mean == 0 ? 1 : ((given + mean) / (final + mean)).squareRoot()
      let own = correlations(correlated, given)
      return PitchTrack.periods.enumerated().map { index, period in
        1 - filtered(own, index) * scale * (1 - 10 * period)
      }
    }
    let path = PitchTrack.cheapestPath(frames: frames, costs)
    pitch = path.map { 1 / PitchTrack.periods[$0] }
    correlation = path.enumerated().map { filtered(correlations(correlated($0), 0), $1) }
  }

  /// A sinc under a raised cosine that ends at its zero number `zeros` on either side.
  private static func lowPass(_ seconds: Double, _ cutoff: Double, zeros: Double) -> Double {
    let end = zeros / (2 * cutoff)
    guard abs(seconds) < end else { return 0 }
    let angle = 2 * .pi * cutoff * seconds
    let sinc = angle == 0 ? 1 : sin(angle) / angle
    return 2 * cutoff * sinc * (0.5 + 0.5 * cos(.pi * seconds / end))
  }

  /// At 4 kHz, up to the last instant before the end, in the range of 16 bits; zeros beyond both ends.
  private static func downsampled(_ samples: [Float], _ sampleRate: Int) -> [Double] {
    let reach = sampleRate / Int(2 * cutoff) + 1
    return (0..<downsampledCount(samples.count, sampleRate)).map { index in
      let time = Double(index) / Double(rate)
      let centre = Int((time * Double(sampleRate)).rounded(.down))
      let near = max(0, centre - reach)...min(samples.count - 1, centre + reach + 1)
      return near.reduce(0) { sum, place in
        let weight = lowPass(Double(place) / Double(sampleRate) - time, cutoff, zeros: 1)
        return sum + Double(samples[place]) * 32_768 * weight / Double(sampleRate)
      }
    }
  }

  /// Of a frame with itself at each lag: the product, and the product of both energies. Both have the mean of the
  /// frame taken off; beyond the end there are zeros.
  private static func correlations(
    _ wave: [Double], _ start: Int
  ) -> (products: [Double], energies: [Double]) {
    func raw(_ offset: Int) -> Double { start + offset < wave.count ? wave[start + offset] : 0 }
    let mean = (0..<length).reduce(0) { $0 + raw($1) } / Double(length)
    let window = (0..<length + lags.upperBound).map { raw($0) - mean }
    let own = (0..<length).reduce(0) { $0 + window[$1] * window[$1] }
    var products = [Double](repeating: 0, count: lags.count)
    var energies = products
    for (index, lag) in lags.enumerated() {
      var (product, energy) = (0.0, 0.0)
      for offset in 0..<length {
        product += window[offset] * window[offset + lag]
        energy += window[offset + lag] * window[offset + lag]
      }
      (products[index], energies[index]) = (product, energy * own)
    }
    return (products, energies)
  }

  /// What keeps the correlation of each frame small where the signal is quiet: as it was first given, from the
  /// variance of what had come by the end of the input, and as it ends. The first 500 frames are scaled to the
  /// final variance if theirs was off by more than 1 % of the sum.
  private static func ballasts(
    _ wave: [Double], samples: Int, _ sampleRate: Int, frames: Int
  ) -> [(given: Double, final: Double)] {
    // Samples at 4 kHz that need none from beyond the end.
    let ticks = sampleRate / gcd(sampleRate, rate) * rate
    let early = min(
      wave.count,
      max(
        0,
        (samples * (ticks / sampleRate) - ticks / Int(2 * cutoff) + ticks / rate - 1)
          / (ticks / rate)))
    let earlyFrames = max(0, 1 + floorDivided(early - length - lags.upperBound, hop))
    let (first, last) = (variance(wave.prefix(early)), variance(wave[...]))
    let revises = earlyFrames > 0 && earlyFrames < 500 && abs(first - last) > 0.01 * (first + last)
    func ballast(_ variance: Double) -> Double {
      self.ballast * (variance * Double(length)) * (variance * Double(length))
    }
    return (0..<frames).map { frame in
      let given = frame < earlyFrames ? first : last
      return (ballast(given), ballast(revises && frame < 500 ? last : given))
    }
  }

  private static func floorDivided(_ a: Int, _ b: Int) -> Int { (a >= 0 ? a : a - b + 1) / b }

  private static func gcd(_ a: Int, _ b: Int) -> Int { b == 0 ? a : gcd(b, a % b) }

  private static func variance(_ values: ArraySlice<Double>) -> Double {
    guard !values.isEmpty else { return 0 }
    let mean = values.reduce(0, +) / Double(values.count)
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
  }

  /// From lags in samples to the lags of equal ratio: the weights that are not zero, and the first lag they are of.
  private static let lagFilters: [(first: Int, weights: [Double])] = periods.map { period in
    let all = lags.map { lag in
      lowPass(period - Double(lag) / Double(rate), Double(rate) / 2, zeros: 5) / Double(rate)
    }
    let first = all.firstIndex { $0 != 0 } ?? 0
    let last = all.lastIndex { $0 != 0 } ?? 0
    return (first, Array(all[first...last]))
  }

  /// Viterbi: a step of n lags costs 0.1 · (n · ln 1.005)².
  private static func cheapestPath(frames: Int, _ costs: (_ frame: Int) -> [Double]) -> [Int] {
    let count = periods.count
    let steps = (0..<count).map { 0.1 * pow(log(1.005) * Double($0), 2) }
    var total = [Double](repeating: 0, count: count)
    // Two bytes a state: what an hour's path needs to be found again.
    var origins = [Int16](repeating: 0, count: frames * count)
    for frame in 0..<frames {
      let cost = costs(frame)
      var next = total
      for state in 0..<count {
        var (best, origin) = (Double.infinity, 0)
        for before in 0..<count {
          let arriving = total[before] + steps[abs(state - before)]
          if arriving < best { (best, origin) = (arriving, before) }
        }
        next[state] = best + cost[state]
        origins[frame * count + state] = Int16(origin)
      }
      let least = next.min() ?? 0
      total = next.map { $0 - least }
    }
    var path = [total.indices.min { total[$0] < total[$1] } ?? 0]
    for frame in stride(from: frames - 1, to: 0, by: -1) {
      path.append(Int(origins[frame * count + path.last!]))
    }
    return path.reversed()
  }
}
