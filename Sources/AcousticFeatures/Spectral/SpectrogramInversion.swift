import Basics
import Foundation

/// Sound that has the features of a recording: what a front end keeps of it, to be heard.
///
/// Bands become a spectrum by non-negative least squares (multiplicative updates, Lee and Seung 2001), and phases
/// are sought that agree from frame to frame (Griffin and Lim 1984, in the fast form of Perraudin et al. 2013).
/// Normalisation and a frame's energy are left out: they are no sound.
public struct SpectrogramInversion {
  private let rows: SpectralRows
  private let configuration: SpectralConfiguration
  private let iterations: Int

  /// - Parameter iterations: of the search for phases; 32 are usual.
  /// - Throws: `.unsupported` for a front end that is not spectral, such as pitch.
  public init(_ configuration: FrontEndConfiguration, iterations: Int = 32) throws {
    if case .joined = configuration {
      throw IdiolectError(
        .unsupported,
        "of what is joined, such as coefficients and pitch, no sound is made; take the one with the spectrum alone"
      )
    }
    guard var spectral = configuration.plan.spectral else {
      throw IdiolectError(
        .unsupported, "this front end has no spectrum that could be made sound again")
    }
    spectral.energy = nil
    // In double precision nothing more would be heard.
    spectral.isDouble = false
    self.configuration = spectral
    self.iterations = max(1, iterations)
    rows = try SpectralRows(spectral)
  }

  /// The spectra of the whole recording are held, twice: so much takes some 400 MB at 16 kHz.
  public static let longestSeconds = 600.0

  /// Of the samples that come in, in Hz.
  public var sampleRate: Int { configuration.sampleRate }
  /// Of those that go out: what the front end keeps of the rate, in Hz.
  public var outputSampleRate: Int { configuration.keptRate }

  /// - Parameter samples: `[samples]`, mono, at `sampleRate`, ±1.
  /// - Returns: `[samples]` at `outputSampleRate`, about as long.
  /// - Throws: `.invalidAudio` where there are too few for a frame; `.unsupported` for more than `longestSeconds`.
  public func callAsFunction(_ samples: [Float]) throws -> [Float] {
    guard Double(samples.count) <= SpectrogramInversion.longestSeconds * Double(sampleRate) else {
      throw IdiolectError(
        .unsupported,
        "lasts more than \(Int(SpectrogramInversion.longestSeconds / 60)) minutes, the most that is made sound again: cut it"
      )
    }
    let features = try SpectralFrontEnd(configuration)(samples)
    let magnitudes = spectrum(of: features)
    return emphasisUndone(
      griffinLim(magnitudes, frames: features.validFrames, samples: samples.count))
  }

  /// `[frames, fftLength / 2 + 1]` magnitudes.
  private func spectrum(of features: Features) -> [Float] {
    let (bands, points) = (configuration.bands, configuration.frames.fftLength / 2 + 1)
    let weights = configuration.mel?.weights(
      sampleRate: configuration.keptRate, fftLength: configuration.frames.fftLength)
    var result: [Float] = []
    for frame in 0..<features.validFrames {
      let row = Array(features.values[frame * features.bins..<(frame + 1) * features.bins])
      let energies = logarithmUndone(cepstraUndone(row, bands: bands))
      var linear = weights.map { leastSquares($0, energies, points: points) } ?? energies
      switch configuration.spectrum {
      case .magnitude: break
      case .power: linear = linear.map { $0.squareRoot() }
      case .periodogram:
        linear = linear.map { ($0 * Float(configuration.frames.fftLength)).squareRoot() }
      }
      result += linear
    }
    return result
  }

  /// The logarithmic bands that have a row's coefficients, and no others.
  private func cepstraUndone(_ row: [Float], bands: Int) -> [Float] {
    guard let cepstra = configuration.cepstra else { return row }
    return (0..<bands).map { band in
      row.enumerated().reduce(Float(0)) { sum, coefficient in
        let order = Double(coefficient.offset)
        let isFirst = coefficient.offset == 0
        // The inverse of √(1 / n) or √(2 / n) times the cosine, whatever the first was scaled by.
        let norm = ((isFirst ? 1 : 2) / Double(bands)).squareRoot()
        let scale = isFirst && !cepstra.isOrthonormal ? norm / 2.0.squareRoot() : norm
        let cosine = cos(.pi / Double(bands) * (Double(band) + 0.5) * order)
        return sum + coefficient.element * Float(scale * cosine / cepstra.lift(coefficient.offset))
      }
    }
  }

  private func logarithmUndone(_ row: [Float]) -> [Float] {
    let logarithm = configuration.logarithm
    let plain = row.map { $0 / Float(logarithm.gain) - Float(logarithm.shift) }
    let factor: Float
    switch logarithm.kind {
    case .none: return row.map { max(0, $0) }
    case .natural: factor = 1
    case .decimal: factor = Float(log(10.0))
    case .decibels: factor = Float(log(10.0) / 10)
    }
    return plain.map { exp(min(80, $0 * factor)) }
  }

  /// Values of at least 0 whose bands are nearest to these.
  private func leastSquares(_ weights: [[Float]], _ bands: [Float], points: Int) -> [Float] {
    var result = [Float](repeating: 0, count: points)
    var aim = result
    for (row, band) in zip(weights, bands) {
      for point in 0..<points where row[point] != 0 { aim[point] += row[point] * band }
    }
    result = aim.map { $0 > 0 ? 1 : 0 }
    for _ in 0..<30 {
      var reached = [Float](repeating: 0, count: points)
      for row in weights {
        var sum: Float = 0
        for point in 0..<points where row[point] != 0 { sum += row[point] * result[point] }
        for point in 0..<points where row[point] != 0 { reached[point] += row[point] * sum }
      }
      for point in 0..<points where reached[point] > 0 {
        result[point] *= aim[point] / reached[point]
      }
    }
    return result
  }

  private func griffinLim(_ magnitudes: [Float], frames: Int, samples: Int) -> [Float] {
    let transform = FrameTransform(
      configuration.frames, samples: samples / configuration.keepsEvery)
    let points = transform.points
    var random = SeededRandom(seed: 0)
    var phases = (0..<frames * points).map { _ -> (Float, Float) in
      let angle = random.uniform(0...(2 * .pi))
      return (cos(angle), sin(angle))
    }
    var before = [(Float, Float)](repeating: (0, 0), count: frames * points)
    var sound: [Float] = []
    for _ in 0..<iterations {
      sound = transform.sound(frames: frames) { frame, point in
        let index = frame * points + point
        return (magnitudes[index] * phases[index].0, magnitudes[index] * phases[index].1)
      }
      transform.spectrum(of: sound, frames: frames) { frame, point, real, imaginary in
        let index = frame * points + point
        let (x, y) = (
          real + 0.99 * (real - before[index].0), imaginary + 0.99 * (imaginary - before[index].1)
        )
        before[index] = (real, imaginary)
        let size = (x * x + y * y).squareRoot()
        if size > 1e-12 { phases[index] = (x / size, y / size) }
      }
    }
    return sound
  }

  private func emphasisUndone(_ sound: [Float]) -> [Float] {
    var result = sound.map { $0 / Float(configuration.scale) }
    if let coefficient = configuration.emphasis.coefficient {
      for index in result.indices.dropFirst() {
        result[index] += Float(coefficient) * result[index - 1]
      }
    }
    return result
  }
}

/// Between a sound and the spectra of its frames, there and back.
private struct FrameTransform {
  let points: Int
  private let frames: Framing
  private let window: [Float]
  private let samples: Int
  private let fft: RealFFT<Float>
  private let frame: AlignedReals<Float>
  private let values: AlignedReals<Float>

  init(_ frames: Framing, samples: Int) {
    self.frames = frames
    self.samples = samples
    points = frames.fftLength / 2 + 1
    window = frames.window.values(length: frames.windowLength).map { Float($0) }
    frame = AlignedReals(count: max(frames.fftLength, frames.windowLength))
    values = AlignedReals(count: frames.fftLength + 2)
    fft = RealFFT.ofLength(frames.fftLength)
  }

  /// Windows of inverse transforms added up, over the sum of the squares of the windows.
  func sound(frames count: Int, _ value: (Int, Int) -> (Float, Float)) -> [Float] {
    var result = [Float](repeating: 0, count: samples)
    var weight = result
    for index in 0..<count {
      for point in 0..<points {
        (values.pointer[2 * point], values.pointer[2 * point + 1]) = value(index, point)
      }
      fft.inverse(values, into: frame)
      let start = frames.start(index)
      for place in 0..<min(frames.windowLength, frames.fftLength)
      where start + place >= 0 && start + place < samples {
        let value = frame.pointer[frames.margin + place] / Float(frames.fftLength)
        result[start + place] += value * window[place]
        weight[start + place] += window[place] * window[place]
      }
    }
    // Where windows only begin, what little there is would become a click.
    let least = 0.05 * (weight.max() ?? 0)
    return zip(result, weight).map { $1 > 0 ? $0 / max($1, least) : 0 }
  }

  func spectrum(
    of sound: [Float], frames count: Int, _ body: (Int, Int, Float, Float) -> Void
  ) {
    for index in 0..<count {
      frame.pointer.update(repeating: 0, count: frames.fftLength)
      let start = frames.start(index)
      for place in 0..<min(frames.windowLength, frames.fftLength) {
        let inside = frames.inside(start + place, count: sound.count)
        frame.pointer[frames.margin + place] = (inside.map { sound[$0] } ?? 0) * window[place]
      }
      fft.forward(frame, into: values)
      for point in 0..<points {
        body(index, point, values.pointer[2 * point], values.pointer[2 * point + 1])
      }
    }
  }
}
