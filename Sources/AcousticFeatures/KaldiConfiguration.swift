import Basics

/// How Kaldi cuts a recording into frames; the defaults are Kaldi's, but for dither.
public struct KaldiFrameConfiguration: Sendable, Codable, Hashable {
  /// In Hz.
  public var sampleRate = 16_000
  public var frameShiftMilliseconds = 10.0
  public var frameLengthMilliseconds = 25.0
  /// Deviation of normal noise added to each sample after scaling, the same noise in every run.
  /// Kaldi's own default is 1 (with samples in the 16-bit range); here it is 0, so that features are exact.
  public var dither = 0.0
  /// y[i] = x[i] − preemphasis · x[i − 1] within a frame, with x[−1] = x[0].
  public var preemphasis = 0.97
  /// Whether each frame's mean is taken away first.
  public var removesOffset = true
  public var window = Window.povey
  /// Whether the transform is as long as the next power of two.
  public var roundsToPowerOfTwo = true
  /// Whether frames lie wholly inside the recording; otherwise they are centred on every shift, and
  /// the recording is mirrored at its ends.
  public var snipsEdges = true
  /// Whether samples of ±1 are multiplied by 32,768 first, the range Kaldi reads from WAV files.
  public var scalesToInt16 = true
  /// Whether frames are transformed in double precision. Kaldi itself does not; what it rounds away shows in bands
  /// that hold almost nothing.
  public var isDouble = true

  public init() {}

  /// In samples; Kaldi's single-precision arithmetic, cut to whole samples.
  var shift: Int { Int(Float(sampleRate) * 0.001 * Float(frameShiftMilliseconds)) }
  var length: Int { Int(Float(sampleRate) * 0.001 * Float(frameLengthMilliseconds)) }
  var fftLength: Int {
    guard roundsToPowerOfTwo else { return length }
    var power = 1
    while power < length { power *= 2 }
    return power
  }

  func validate() throws {
    try FrontEndConfiguration.validate(sampleRate: sampleRate)
    // Tested before `shift` and `length`, which turn them into integers.
    for milliseconds in [frameShiftMilliseconds, frameLengthMilliseconds] {
      try require(
        milliseconds > 0 && milliseconds <= 10_000,
        "frame shift or length is \(milliseconds) ms, must be above 0 and at most 10000")
    }
    try require(shift >= 1, "a frame shift of \(frameShiftMilliseconds) ms is less than one sample")
    try require(
      (2...65_536).contains(length),
      "a frame length of \(frameLengthMilliseconds) ms is \(length) samples, must be 2 to 65536")
    try require(fftLength % 2 == 0, "a transform of \(fftLength) samples, must be even")
    try require(dither >= 0 && dither <= 32_768, "dither is \(dither), must be 0 or a small number")
    try require((0...1).contains(preemphasis), "preemphasis is \(preemphasis), must be 0 to 1")
  }
}

extension KaldiFrameConfiguration {
  /// The convention up to the logarithm of the bands.
  func spectral(_ mel: KaldiMelConfiguration) -> SpectralConfiguration {
    var result = SpectralConfiguration()
    result.sampleRate = sampleRate
    result.scale = scalesToInt16 ? 32_768 : 1
    result.emphasis = .frame(preemphasis)
    (result.frames.fftLength, result.frames.windowLength) = (fftLength, length)
    result.frames.hopLength = shift
    result.frames.window = window
    result.frames.edges = snipsEdges ? .inside : .centredKaldi
    result.frames.place = .start
    result.frames.removesOffset = removesOffset
    result.frames.dither = dither
    result.isDouble = isDouble
    result.mel = mel.triangles
    result.logarithm = Logarithm(.natural, .floor(0x1p-23))
    return result
  }
}

/// Kaldi's mel bands.
public struct KaldiMelConfiguration: Sendable, Codable, Hashable {
  public var bands = 23
  /// Lower edge of the lowest band, in Hz.
  public var lowHz = 20.0
  /// Upper edge of the highest band, in Hz; 0 or less counts from half the sample rate down.
  public var highHz = 0.0

  public init() {}

  fileprivate var triangles: MelConfiguration {
    var result = MelConfiguration(
      bands: bands, scale: .kaldi, shape: .mel, hasUnitArea: false, lowHz: lowHz, highHz: highHz)
    result.leavesOutNyquist = true
    return result
  }
}

/// The settings of `KaldiFbank`; the defaults are Kaldi's.
public struct KaldiFbankConfiguration: Sendable, Codable, Hashable {
  public var frame = KaldiFrameConfiguration()
  public var mel = KaldiMelConfiguration()
  /// Whether a frame begins with its logarithmic energy, before the bands.
  public var usesEnergy = false
  /// Least energy; 0 for none.
  public var energyFloor = 0.0
  /// Whether that energy is taken before pre-emphasis and window.
  public var usesRawEnergy = true
  public var usesLogarithm = true
  /// Whether bands add up power; otherwise magnitude.
  public var usesPower = true

  public init() {}

  public func validate() throws {
    try frame.validate()
    try mel.triangles.validate(sampleRate: frame.sampleRate)
    try require(
      energyFloor >= 0 && energyFloor.isFinite, "energyFloor is \(energyFloor), must be 0 or more")
  }
}

/// The settings of `KaldiMFCC`; the defaults are Kaldi's.
public struct KaldiMFCCConfiguration: Sendable, Codable, Hashable {
  public var frame = KaldiFrameConfiguration()
  public var mel = KaldiMelConfiguration()
  /// Cepstral coefficients in a frame, the zeroth included.
  public var coefficients = 13
  /// Coefficient i is multiplied by 1 + lifter / 2 · sin(πi / lifter); 0 for none.
  public var lifter = 22.0
  /// Whether the frame's logarithmic energy takes the zeroth coefficient's place.
  public var usesEnergy = true
  /// Least energy; 0 for none.
  public var energyFloor = 0.0
  /// Whether that energy is taken before pre-emphasis and window.
  public var usesRawEnergy = true

  public init() {}

  public func validate() throws {
    try frame.validate()
    try mel.triangles.validate(sampleRate: frame.sampleRate)
    try require(
      (1...mel.bands).contains(coefficients),
      "coefficients is \(coefficients), must be 1 to the number of bands, \(mel.bands)")
    try require(lifter >= 0 && lifter.isFinite, "lifter is \(lifter), must be 0 or more")
    try require(
      energyFloor >= 0 && energyFloor.isFinite, "energyFloor is \(energyFloor), must be 0 or more")
  }
}

private func require(_ holds: Bool, _ what: String) throws {
  guard holds else { throw IdiolectError(.invalidArgument, "Kaldi front end: \(what)") }
}
