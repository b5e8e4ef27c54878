import CFFTW
import Synchronization

/// The Fourier transform of real frames of one length, planned once and shared by all threads.
///
/// Plans are estimated, not measured: measured ones differ from process to process, and so would the
/// last bits of the features.
final class RealFFT<Real: FFTReal>: Sendable {
  let length: Int
  // FFTW's plans are immutable, and its new-array execute functions may be called from any thread.
  nonisolated(unsafe) private let plans: (forward: OpaquePointer, inverse: OpaquePointer)

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

  /// Lives as long as the process.
  var forwardPlan: OpaquePointer { plans.forward }
}

private struct FFTKey: Hashable {
  let length: Int
  let isDouble: Bool
}

// Only the planner of FFTW is not thread-safe; this lock is around every call of it.
private let fftPlans = Mutex<[FFTKey: any AnyObject & Sendable]>([:])

/// A precision that FFTW has. Each of these functions has a twin of another name there.
protocol FFTReal: FrameReal {
  static func plans(
    _ length: Int32, _ frame: Buffer, _ spectrum: Buffer
  ) -> (forward: OpaquePointer, inverse: OpaquePointer)?
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
  static func plans(
    _ length: Int32, _ frame: Buffer, _ spectrum: Buffer
  ) -> (forward: OpaquePointer, inverse: OpaquePointer)? {
    guard
      let forward = fftwf_plan_dft_r2c_1d(
        length, frame, pairs(spectrum), FFTW_ESTIMATE | FFTW_PRESERVE_INPUT),
      let inverse = fftwf_plan_dft_c2r_1d(length, pairs(spectrum), frame, FFTW_ESTIMATE)
    else { return nil }
    return (forward, inverse)
  }

  static func forward(_ plan: OpaquePointer, _ frame: Buffer, _ spectrum: Buffer) {
    fftwf_execute_dft_r2c(plan, frame, pairs(spectrum))
  }

  static func inverse(_ plan: OpaquePointer, _ spectrum: Buffer, _ frame: Buffer) {
    fftwf_execute_dft_c2r(plan, pairs(spectrum), frame)
  }
}

extension Double: FFTReal {
  static func plans(
    _ length: Int32, _ frame: Buffer, _ spectrum: Buffer
  ) -> (forward: OpaquePointer, inverse: OpaquePointer)? {
    guard
      let forward = fftw_plan_dft_r2c_1d(
        length, frame, pairs(spectrum), FFTW_ESTIMATE | FFTW_PRESERVE_INPUT),
      let inverse = fftw_plan_dft_c2r_1d(length, pairs(spectrum), frame, FFTW_ESTIMATE)
    else { return nil }
    return (forward, inverse)
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
