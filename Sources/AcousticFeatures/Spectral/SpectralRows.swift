import Basics
import CKernels
import Foundation

/// A stretch of a recording: samples by their place in the whole.
struct SampleWindow {
  let samples: UnsafeBufferPointer<Float>
  /// The place of the first of them in the recording.
  var first = 0
  /// How many the recording has; those beyond `samples` must not be needed.
  let count: Int

  subscript(place: Int) -> Float { samples[place - first] }
}

/// The tables of a spectral convention, which all threads share.
struct SpectralRows: Sendable {
  let configuration: SpectralConfiguration
  fileprivate let window: Table<Float>
  fileprivate let windowValues: Table<Double>
  fileprivate let mel: MelBank?
  /// Cosine transform and lifter in one, `[bands, coefficients]`, rows filled with zeros to multiples of sixteen; nil
  /// without cepstra.
  fileprivate let transform: Table<Float>?
  fileprivate let energyFloor: Float

  init(_ configuration: SpectralConfiguration) throws {
    try configuration.validate()
    self.configuration = configuration
    let frames = configuration.frames
    let shape = frames.window.values(length: frames.windowLength)
    windowValues = Table(shape)
    window = Table(shape.map { Float($0) })
    mel = configuration.mel.map {
      MelBank(
        dense: $0.weights(sampleRate: configuration.keptRate, fftLength: frames.fftLength))
    }
    let bands = configuration.bands
    transform = configuration.cepstra.map { cepstra in
      let stride = (cepstra.count + 15) / 16 * 16
      return Table(
        (0..<bands).flatMap { band in
          (0..<stride).map { order -> Float in
            guard order < cepstra.count else { return 0 }
            let norm = (order == 0 && cepstra.isOrthonormal ? 1 : 2) / Double(bands)
            return Float(
              cepstra.lift(order) * norm.squareRoot()
                * cos(.pi / Double(bands) * (Double(band) + 0.5) * Double(order)))
          }
        })
    }
    let floor = configuration.energy?.floor ?? 0
    energyFloor = floor > 0 ? Float(log(floor)) : -.infinity
  }

  /// What makes features of energies, valid as long as these tables.
  var shape: Shape { Shape(configuration: configuration, transform: transform?.pointer) }

  struct Shape {
    fileprivate let configuration: SpectralConfiguration
    fileprivate let transform: UnsafePointer<Float>?

    /// The features of a frame, `[bins]`, from its finished energies, `[bands]`.
    func features(
      _ energies: UnsafePointer<Float>, logEnergy: Float, into row: UnsafeMutablePointer<Float>
    ) {
      let bands = configuration.bands
      let shift = configuration.energy?.place == .first ? 1 : 0
      if let transform, let cepstra = configuration.cepstra {
        ck_project(energies, bands, transform, cepstra.count, row + shift)
      } else {
        (row + shift).update(from: energies, count: bands)
      }
      if configuration.energy != nil { row[0] = logEnergy }
    }
  }
}

/// One thread's work by a convention's tables.
///
/// Everything that a frame needs is a plain pointer here: counting references to what threads share costs more than
/// some of the steps.
final class SpectralWorker {
  private let configuration: SpectralConfiguration
  private let single: Workspace<Float>?
  private let double: Workspace<Double>?
  private let power: AlignedReals<Float>
  private let mel: MelBank.Pointers?
  private let energyFloor: Float
  /// Owns what the pointers are to.
  private let rows: SpectralRows

  init(_ rows: SpectralRows) {
    self.rows = rows
    configuration = rows.configuration
    let (frames, isDouble) = (configuration.frames, configuration.isDouble)
    single = isDouble ? nil : Workspace(frames, rows.window)
    double = isDouble ? Workspace(frames, rows.windowValues) : nil
    power = AlignedReals(count: max(rows.mel?.paddedBins ?? 0, frames.fftLength + 2))
    mel = rows.mel?.pointers
    energyFloor = rows.energyFloor
  }

  deinit {
    single?.deallocate()
    double?.deallocate()
  }

  /// Memory for a frame on its way to a spectrum.
  private struct Workspace<Real: FFTReal> {
    let raw, frame, spectrum: UnsafeMutablePointer<Real>
    let window: UnsafePointer<Real>
    let power: RealFFT<Real>.Power

    init(_ frames: Framing, _ window: Table<Real>) {
      self.window = window.pointer
      power = RealFFT<Real>.ofLength(frames.fftLength).power
      raw = AlignedReals.allocate(frames.windowLength)
      frame = AlignedReals.allocate(max(frames.fftLength, frames.windowLength))
      spectrum = AlignedReals.allocate(frames.fftLength + 2)
    }

    func deallocate() {
      for pointer in [raw, frame, spectrum] { AlignedReals.deallocate(pointer) }
    }
  }

  /// The energies of frame `index`, `[bands]`, after the logarithm but before what needs the whole recording.
  ///
  /// - Returns: the frame's logarithmic energy; 0 where the convention has none.
  func energies(
    _ index: Int, of source: SampleWindow, into row: UnsafeMutablePointer<Float>
  ) -> Float {
    let power = power.pointer
    var energy: Float = 0
    if let single {
      energy = transform(index, of: source, single, into: power)
    } else if let double {
      energy = transform(index, of: source, double, into: power)
    }
    let frames = configuration.frames
    let count = frames.fftLength / 2 + 1
    switch configuration.spectrum {
    case .power: break
    case .magnitude: for bin in 0..<count { power[bin].formSquareRoot() }
    case .periodogram:
      let scale = 1 / Float(frames.fftLength)
      for bin in 0..<count { power[bin] *= scale }
    }
    if configuration.energy?.source == .spectrum {
      energy = Float(ck_frame_sum(power, count))
    }
    if let mel {
      mel.apply(power, into: row)
    } else {
      row.update(from: power, count: count)
    }
    configuration.logarithm.apply(row, count: configuration.bands)
    guard configuration.energy != nil else { return 0 }
    // An energy is logarithmic even where bands are not.
    let logarithm =
      configuration.logarithm.kind == .none
      ? Logarithm(.natural, .floor(0x1p-23)) : configuration.logarithm
    logarithm.apply(&energy, count: 1)
    return max(energy, energyFloor)
  }

  /// The power spectrum of a frame, and its energy where samples give that; 0 otherwise.
  @inline(__always)
  private func transform<Real: FFTReal>(
    _ index: Int, of source: SampleWindow, _ work: Workspace<Real>,
    into power: UnsafeMutablePointer<Float>
  ) -> Float {
    let frames = configuration.frames
    extract(index, of: source, into: work.raw)
    var energy: Float = 0
    if configuration.energy?.source == .samples {
      energy = Float(Real.energy(work.raw, count: frames.windowLength))
    }
    let frame = work.frame + frames.margin
    var emphasis = 0.0
    if case .frame(let coefficient) = configuration.emphasis { emphasis = coefficient }
    Real.window(
      work.raw, emphasis: emphasis, by: work.window, into: frame,
      count: frames.windowLength)
    if configuration.energy?.source == .windowed {
      energy = Float(Real.energy(frame, count: frames.windowLength))
    }
    work.power(work.frame, scratch: work.spectrum, into: power)
    return energy
  }

  /// Copies one frame's samples: scaled, emphasised over the recording, dithered, without their mean.
  @inline(__always)
  private func extract<Real: FFTReal>(
    _ index: Int, of source: SampleWindow, into raw: UnsafeMutablePointer<Real>
  ) {
    let frames = configuration.frames
    let (start, length) = (frames.start(index), frames.windowLength)
    var emphasis = 0.0
    if case .recording(let coefficient) = configuration.emphasis { emphasis = coefficient }
    if start >= (emphasis == 0 ? 0 : 1), start + length <= source.count {
      Real.samples(
        source.samples.baseAddress! + (start - source.first), emphasis: emphasis,
        scale: configuration.scale, into: raw, count: length)
    } else {
      let (share, scale) = (Real(emphasis), Real(configuration.scale))
      for i in 0..<length {
        raw[i] =
          frames.inside(start + i, count: source.count).map {
            (Real(source[$0]) - ($0 > 0 && share != 0 ? share * Real(source[$0 - 1]) : 0)) * scale
          } ?? 0
      }
    }
    if frames.dither > 0 {
      var random = SeededRandom(seed: 0, index)
      for i in 0..<length { raw[i] += Real(frames.dither) * Real(random.normal()) }
    }
    if frames.removesOffset { Real.removeMean(raw, count: length) }
  }
}
