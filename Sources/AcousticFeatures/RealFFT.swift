import CFFTW
import Foundation
import Synchronization

/// The Fourier transform of real frames of one length, planned once and shared by all threads.
///
/// Plans are estimated, not measured: measured ones differ from process to process, and so would the
/// last bits of the features.
final class RealFFT<Real: FFTReal>: Sendable {
  let length: Int
  // FFTW's plans are immutable, and its new-array execute functions may be called from any thread.
  nonisolated(unsafe) private let plans: FFTPlans
  /// sin and cos of 2πk / length for k from 0 to length / 4, one after the other; empty for an odd length.
  private let turns: Table<Real>

  /// The plan for a length, made at its first use. Lengths come from validated configurations, so there are few,
  /// and they stay for the life of the process.
  static func ofLength(_ length: Int) -> RealFFT {
    fftPlans.withLock { plans in
      let key = FFTKey(length: length, isDouble: Real.self == Double.self)
      if let known = plans[key] as? RealFFT { return known }
      let made = RealFFT(length: length)
      plans[key] = made
      return made
    }
  }

  private init(length: Int) {
    self.length = length
    let (frame, spectrum) = (
      AlignedReals<Real>(count: length), AlignedReals<Real>(count: length + 2)
    )
    guard let plans = Real.plans(Int32(length), frame.pointer, spectrum.pointer) else {
      preconditionFailure("FFTW has no plan for length \(length)")
    }
    self.plans = plans
    let angles = (0...length / 4).map { 2 * Double.pi * Double($0) / Double(length) }
    turns = Table(
      length % 2 == 0 ? angles.map { Real(sin($0)) } + angles.map { Real(cos($0)) } : [])
  }

  /// The transform of a frame.
  ///
  /// - Parameters:
  ///   - frame: `[length]`, kept as it is.
  ///   - spectrum: gets `[length / 2 + 1]` pairs of real and imaginary parts.
  func forward(_ frame: AlignedReals<Real>, into spectrum: AlignedReals<Real>) {
    Real.forward(plans.forward, frame.pointer, spectrum.pointer)
  }

  /// The frame, times its length, that has a spectrum, which is lost.
  func inverse(_ spectrum: AlignedReals<Real>, into frame: AlignedReals<Real>) {
    Real.inverse(plans.inverse, spectrum.pointer, frame.pointer)
  }

  /// Power spectra by this transform. It lives as long as the process.
  var power: Power { Power(length: length, plans: plans, turns: turns.pointer) }

  /// A power spectrum, which does not need the transform itself.
  ///
  /// An even length is transformed as half as many complex numbers, of which FFTW has faster code, and the two
  /// halves are parted on the way to the power.
  struct Power {
    fileprivate let length: Int
    fileprivate let plans: FFTPlans
    fileprivate let turns: UnsafePointer<Real>

    /// - Parameters:
    ///   - frame: `[length]`, kept as it is.
    ///   - scratch: `[length + 2]`.
    ///   - power: gets `[length / 2 + 1]`.
    func callAsFunction(
      _ frame: Real.Buffer, scratch: Real.Buffer, into power: UnsafeMutablePointer<Float>
    ) {
      if let halves = plans.halves {
        Real.halves(halves, frame, scratch)
        Real.power(ofHalves: scratch, turns, into: power, count: length / 2)
      } else {
        Real.forward(plans.forward, frame, scratch)
        Real.power(scratch, into: power, count: length / 2 + 1)
      }
    }
  }
}

/// FFTW's plans for a length: real to complex, back, and, of an even one, of its half of complex numbers.
struct FFTPlans {
  let forward, inverse: OpaquePointer
  let halves: OpaquePointer?
}

private struct FFTKey: Hashable {
  let length: Int
  let isDouble: Bool
}

// Only the planner of FFTW is not thread-safe; this lock is around every call of it.
private let fftPlans = Mutex<[FFTKey: any AnyObject & Sendable]>([:])

/// A precision that FFTW has. Each of these functions has a twin of another name there.
protocol FFTReal: FrameReal {
  static func plans(_ length: Int32, _ frame: Buffer, _ spectrum: Buffer) -> FFTPlans?
  static func halves(_ plan: OpaquePointer, _ frame: Buffer, _ spectrum: Buffer)
  static func forward(_ plan: OpaquePointer, _ frame: Buffer, _ spectrum: Buffer)
  static func inverse(_ plan: OpaquePointer, _ spectrum: Buffer, _ frame: Buffer)
}

extension FFTReal {
  /// The same memory as pairs.
  fileprivate static func pairs<Pair>(_ buffer: Buffer) -> UnsafeMutablePointer<Pair> {
    UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: Pair.self)
  }
}

extension Float: FFTReal {
  static func plans(_ length: Int32, _ frame: Buffer, _ spectrum: Buffer) -> FFTPlans? {
    let halves =
      length % 2 == 0
      ? fftwf_plan_dft_1d(
        length / 2, pairs(frame), pairs(spectrum), FFTW_FORWARD, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT
      )
      : nil
    guard
      let forward = fftwf_plan_dft_r2c_1d(
        length, frame, pairs(spectrum), FFTW_ESTIMATE | FFTW_PRESERVE_INPUT),
      let inverse = fftwf_plan_dft_c2r_1d(length, pairs(spectrum), frame, FFTW_ESTIMATE)
    else { return nil }
    return FFTPlans(forward: forward, inverse: inverse, halves: halves)
  }

  static func halves(_ plan: OpaquePointer, _ frame: Buffer, _ spectrum: Buffer) {
    fftwf_execute_dft(plan, pairs(frame), pairs(spectrum))
  }

  static func forward(_ plan: OpaquePointer, _ frame: Buffer, _ spectrum: Buffer) {
    fftwf_execute_dft_r2c(plan, frame, pairs(spectrum))
  }

  static func inverse(_ plan: OpaquePointer, _ spectrum: Buffer, _ frame: Buffer) {
    fftwf_execute_dft_c2r(plan, pairs(spectrum), frame)
  }
}

extension Double: FFTReal {
  static func plans(_ length: Int32, _ frame: Buffer, _ spectrum: Buffer) -> FFTPlans? {
    let halves =
      length % 2 == 0
      ? fftw_plan_dft_1d(
        length / 2, pairs(frame), pairs(spectrum), FFTW_FORWARD, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT
      )
      : nil
    guard
      let forward = fftw_plan_dft_r2c_1d(
        length, frame, pairs(spectrum), FFTW_ESTIMATE | FFTW_PRESERVE_INPUT),
      let inverse = fftw_plan_dft_c2r_1d(length, pairs(spectrum), frame, FFTW_ESTIMATE)
    else { return nil }
    return FFTPlans(forward: forward, inverse: inverse, halves: halves)
  }

  static func halves(_ plan: OpaquePointer, _ frame: Buffer, _ spectrum: Buffer) {
    fftw_execute_dft(plan, pairs(frame), pairs(spectrum))
  }

  static func forward(_ plan: OpaquePointer, _ frame: Buffer, _ spectrum: Buffer) {
    fftw_execute_dft_r2c(plan, frame, pairs(spectrum))
  }

  static func inverse(_ plan: OpaquePointer, _ spectrum: Buffer, _ frame: Buffer) {
    fftw_execute_dft_c2r(plan, pairs(spectrum), frame)
  }
}

/// The owner of zeroed memory that is aligned as FFTW's SIMD code wants it.
final class AlignedReals<Real: BinaryFloatingPoint> {
  let pointer: UnsafeMutablePointer<Real>

  init(count: Int) { pointer = AlignedReals.allocate(count) }

  deinit { AlignedReals.deallocate(pointer) }

  static func allocate(_ count: Int) -> UnsafeMutablePointer<Real> {
    guard let memory = fftwf_malloc(count * MemoryLayout<Real>.stride) else {
      fatalError("out of memory for \(count) samples")
    }
    let pointer = memory.bindMemory(to: Real.self, capacity: count)
    pointer.initialize(repeating: 0, count: count)
    return pointer
  }

  static func deallocate(_ pointer: UnsafeMutablePointer<Real>) { fftwf_free(pointer) }
}
