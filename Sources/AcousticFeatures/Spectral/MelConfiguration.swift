import Foundation

/// Triangular bands over a spectrum.
public struct MelConfiguration: Sendable, Codable, Hashable {
  /// What is evenly divided among the bands.
  public enum Scale: String, NamedChoice {
    /// Linear to 1,000 Hz, logarithmic above (Slaney's Auditory Toolbox, librosa).
    case slaney
    /// 2595 · log₁₀(1 + f / 700)
    case htk
    /// 1127 · ln(1 + f / 700): the same but for rounding.
    case kaldi
  }

  /// Over what the sides of the triangles are straight.
  public enum Shape: String, NamedChoice {
    case hertz
    case mel
    /// Over Hz, as wide above the centre as below it (SpeechBrain).
    case symmetric
    /// Over bins, the edges rounded down to whole ones (python_speech_features).
    case bins
  }

  public var bands = 80
  public var scale = Scale.slaney
  public var shape = Shape.hertz
  /// Whether each band is divided by half its width in Hz, so that all have one area.
  public var hasUnitArea = true
  /// Lower edge of the lowest band, in Hz.
  public var lowHz = 0.0
  /// Upper edge of the highest band, in Hz; 0 or less counts from half the sample rate down.
  public var highHz = 0.0
  /// Whether the bin at half the rate is in no band (Kaldi).
  public var leavesOutNyquist = false
  /// Whether half of an odd rate is rounded down to whole Hz (torchaudio, SpeechBrain).
  public var halvesToWholeHertz = false
  /// Whether bins below 1.5 bins above the lowest edge are in no band (TensorFlow).
  public var leavesOutLowest = false

  public init(
    bands: Int = 80, scale: Scale = .slaney, shape: Shape = .hertz, hasUnitArea: Bool = true,
    lowHz: Double = 0, highHz: Double = 0
  ) {
    (self.bands, self.scale, self.shape) = (bands, scale, shape)
    (self.hasUnitArea, self.lowHz, self.highHz) = (hasUnitArea, lowHz, highHz)
  }

  package func upperEdge(sampleRate: Int) -> Double {
    highHz > 0 ? highHz : half(sampleRate) + highHz
  }

  private func half(_ sampleRate: Int) -> Double {
    halvesToWholeHertz ? Double(sampleRate / 2) : Double(sampleRate) / 2
  }

  func validate(sampleRate: Int) throws {
    try SpectralConfiguration.require(
      (1...1024).contains(bands), "bands is \(bands), must be 1 to 1024")
    let high = upperEdge(sampleRate: sampleRate)
    try SpectralConfiguration.require(
      lowHz >= 0 && lowHz < high && high <= Double(sampleRate) / 2,
      "bands from \(lowHz) Hz to \(high) Hz, must rise and end at or below half the sample rate")
  }

  func mel(_ hertz: Double) -> Double {
    switch scale {
    case .slaney: hertz < 1000 ? hertz * 3 / 200 : 15 + 27 * log(hertz / 1000) / log(6.4)
    case .htk: 2595 * log10(1 + hertz / 700)
    case .kaldi: 1127 * log(1 + hertz / 700)
    }
  }

  func hertz(_ mel: Double) -> Double {
    switch scale {
    case .slaney: mel < 15 ? mel * 200 / 3 : 1000 * exp(log(6.4) / 27 * (mel - 15))
    case .htk: 700 * (pow(10, mel / 2595) - 1)
    case .kaldi: 700 * (exp(mel / 1127) - 1)
    }
  }

  /// The band, and part of one, whose centre a frequency is.
  package func place(ofHz frequency: Double, sampleRate: Int) -> Double {
    let (low, high) = (mel(lowHz), mel(upperEdge(sampleRate: sampleRate)))
    return (mel(frequency) - low) / (high - low) * Double(bands + 1) - 1
  }

  /// Bands, from 0, that hold no bin of a transform's spectrum: they are the same whatever is heard.
  func emptyBands(sampleRate: Int, fftLength: Int) -> [Int] {
    weights(sampleRate: sampleRate, fftLength: fftLength).enumerated()
      .filter { $1.allSatisfy { $0 == 0 } }.map(\.offset)
  }

  /// - Returns: weights, one row of `[fftLength / 2 + 1]` a band.
  func weights(sampleRate: Int, fftLength: Int) -> [[Float]] {
    let (low, high) = (mel(lowHz), mel(upperEdge(sampleRate: sampleRate)))
    let step = (high - low) / Double(bands + 1)
    let width = 2 * half(sampleRate) / Double(fftLength)
    let edges = (0..<(bands + 2)).map { index -> Double in
      let place = low + step * Double(index)
      switch shape {
      case .mel: return place
      case .hertz, .symmetric: return hertz(place)
      case .bins: return (Double(fftLength + 1) * hertz(place) / Double(sampleRate)).rounded(.down)
      }
    }
    let first = leavesOutLowest ? Int(1.5 + lowHz / width) : 0
    return (0..<bands).map { band in
      let (left, centre, right) = (edges[band], edges[band + 1], edges[band + 2])
      let area =
        hasUnitArea
        ? 2 / (hertz(low + step * Double(band + 2)) - hertz(low + step * Double(band))) : 1
      return (0...(fftLength / 2)).map { bin in
        if bin < first || (leavesOutNyquist && bin == fftLength / 2) { return 0 }
        let frequency = Double(bin) * width
        let value: Double
        switch shape {
        case .hertz: value = triangle(frequency, left, centre, right)
        case .mel: value = triangle(mel(frequency), left, centre, right)
        case .symmetric: value = 1 - abs(frequency - centre) / (centre - left)
        case .bins:
          // Edges that fall together leave out that side.
          let place = Double(bin)
          value =
            place < centre
            ? (place - left) / max(centre - left, 1) : (right - place) / max(right - centre, 1)
        }
        return Float(max(0, value) * area)
      }
    }
  }

  private func triangle(
    _ place: Double, _ left: Double, _ centre: Double, _ right: Double
  ) -> Double {
    min((place - left) / (centre - left), (right - place) / (right - centre))
  }
}
