import CFFTW
import Synchronization

/// The Fourier transform of real frames of one length, planned once and shared by all threads.
///
/// Plans are estimated, not measured: measured ones differ from process to process, and so would the
/// last bits of the features.
final class RealFFT<Real: FFTReal>: Sendable {
  let length: Int
  // FFTW's plans are immutable, and its new-array execute functions may be called from any thread.
  nonisolated(unsafe) private let plan: OpaquePointer

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
    let (input, output) = (AlignedReals<Real>(count: length), AlignedReals<Real>(count: length + 2))
    guard let plan = Real.plan(length, input.pointer, output.pointer) else {
      preconditionFailure("FFTW has no plan for length \(length)")
    }
    self.plan = plan
  }

  /// The power spectrum |X|² of a frame.
  ///
  /// - Parameters:
  ///   - frame: `[length]`, kept as it is.
  ///   - spectrum: scratch, `[length + 2]`.
  ///   - power: gets `[length / 2 + 1]`.
  func power(
    of frame: AlignedReals<Real>, spectrum: AlignedReals<Real>, into power: AlignedReals<Float>
  ) {
    Real.execute(plan, frame.pointer, spectrum.pointer)
    let (parts, power) = (spectrum.pointer, power.pointer)
    for bin in 0..<(length / 2 + 1) {
      let (real, imaginary) = (parts[2 &* bin], parts[2 &* bin &+ 1])
      power[bin] = Float(real * real + imaginary * imaginary)
    }
  }
}

private struct FFTKey: Hashable {
  let length: Int
  let isDouble: Bool
}

// Only the planner of FFTW is not thread-safe; this lock is around every call of it.
private let fftPlans = Mutex<[FFTKey: any AnyObject & Sendable]>([:])

/// A precision that FFTW has.
protocol FFTReal: BinaryFloatingPoint, Codable {
  static func plan(
    _ length: Int, _ input: UnsafeMutablePointer<Self>, _ output: UnsafeMutablePointer<Self>
  ) -> OpaquePointer?
  static func execute(
    _ plan: OpaquePointer, _ input: UnsafeMutablePointer<Self>,
    _ output: UnsafeMutablePointer<Self>)
}

extension Float: FFTReal {
  static func plan(
    _ length: Int, _ input: UnsafeMutablePointer<Float>, _ output: UnsafeMutablePointer<Float>
  ) -> OpaquePointer? {
    fftwf_plan_dft_r2c_1d(
      Int32(length), input, complex(output), FFTW_ESTIMATE | FFTW_PRESERVE_INPUT)
  }

  static func execute(
    _ plan: OpaquePointer, _ input: UnsafeMutablePointer<Float>,
    _ output: UnsafeMutablePointer<Float>
  ) { fftwf_execute_dft_r2c(plan, input, complex(output)) }

  /// Plans between these very buffers, there and back, for the life of the process.
  static func plans(
    _ length: Int, _ frame: UnsafeMutablePointer<Float>, _ values: UnsafeMutablePointer<Float>
  ) -> (forward: OpaquePointer, inverse: OpaquePointer) {
    nonisolated(unsafe) var plans: (OpaquePointer, OpaquePointer)?
    fftPlans.withLock { _ in
      guard
        let forward = fftwf_plan_dft_r2c_1d(
          Int32(length), frame, complex(values), FFTW_ESTIMATE | FFTW_PRESERVE_INPUT),
        let inverse = fftwf_plan_dft_c2r_1d(Int32(length), complex(values), frame, FFTW_ESTIMATE)
      else { preconditionFailure("FFTW has no plan for length \(length)") }
      plans = (forward, inverse)
    }
    return plans!
  }

  private static func complex(
    _ buffer: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<fftwf_complex> {
    UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: fftwf_complex.self)
  }
}

extension Double: FFTReal {
  static func plan(
    _ length: Int, _ input: UnsafeMutablePointer<Double>, _ output: UnsafeMutablePointer<Double>
  ) -> OpaquePointer? {
    fftw_plan_dft_r2c_1d(
      Int32(length), input, complex(output), FFTW_ESTIMATE | FFTW_PRESERVE_INPUT)
  }

  static func execute(
    _ plan: OpaquePointer, _ input: UnsafeMutablePointer<Double>,
    _ output: UnsafeMutablePointer<Double>
  ) { fftw_execute_dft_r2c(plan, input, complex(output)) }

  private static func complex(
    _ buffer: UnsafeMutablePointer<Double>
  ) -> UnsafeMutablePointer<fftw_complex> {
    UnsafeMutableRawPointer(buffer).assumingMemoryBound(to: fftw_complex.self)
  }
}

/// The owner of zeroed memory that is aligned as FFTW's SIMD code wants it.
final class AlignedReals<Real: BinaryFloatingPoint> {
  let pointer: UnsafeMutablePointer<Real>

  init(count: Int) {
    guard let pointer = fftwf_malloc(count * MemoryLayout<Real>.stride) else {
      fatalError("out of memory for \(count) samples")
    }
    self.pointer = pointer.bindMemory(to: Real.self, capacity: count)
    self.pointer.initialize(repeating: 0, count: count)
  }

  deinit { fftwf_free(pointer) }
}
