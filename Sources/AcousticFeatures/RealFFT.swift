import CFFTW
import Synchronization

/// The Fourier transform of real frames of one length, planned once and shared by all threads.
///
/// Plans are estimated, not measured: measured ones differ from process to process, and so would the
/// last bits of the features.
final class RealFFT: Sendable {
  let length: Int
  // FFTW's plans are immutable, and its new-array execute functions may be called from any thread.
  nonisolated(unsafe) private let plan: fftwf_plan

  // Only the planner of FFTW is not thread-safe; this lock is around every call of it. Lengths come
  // from validated configurations, so there are few, and they stay for the life of the process.
  private static let plans = Mutex<[Int: RealFFT]>([:])

  static func ofLength(_ length: Int) -> RealFFT {
    plans.withLock { plans in
      if let known = plans[length] { return known }
      let made = RealFFT(length: length)
      plans[length] = made
      return made
    }
  }

  private init(length: Int) {
    self.length = length
    let input = AlignedFloats(count: length)
    let output = AlignedFloats(count: length + 2)
    guard
      let plan = fftwf_plan_dft_r2c_1d(
        Int32(length), input.pointer, RealFFT.complex(output), FFTW_ESTIMATE | FFTW_PRESERVE_INPUT)
    else { preconditionFailure("FFTW has no plan for length \(length)") }
    self.plan = plan
  }

  /// The power spectrum |X|² of a frame.
  ///
  /// - Parameters:
  ///   - frame: `[length]`, kept as it is.
  ///   - spectrum: scratch, `[length + 2]`.
  ///   - power: gets `[length / 2 + 1]`.
  func power(of frame: AlignedFloats, spectrum: AlignedFloats, into power: AlignedFloats) {
    fftwf_execute_dft_r2c(plan, frame.pointer, RealFFT.complex(spectrum))
    let parts = spectrum.pointer
    let power = power.pointer
    for bin in 0..<(length / 2 + 1) {
      let real = parts[2 &* bin]
      let imaginary = parts[2 &* bin &+ 1]
      power[bin] = real * real + imaginary * imaginary
    }
  }

  private static func complex(_ buffer: AlignedFloats) -> UnsafeMutablePointer<fftwf_complex> {
    UnsafeMutableRawPointer(buffer.pointer).assumingMemoryBound(to: fftwf_complex.self)
  }
}

/// The owner of zeroed memory that is aligned as FFTW's SIMD code wants it.
final class AlignedFloats {
  let pointer: UnsafeMutablePointer<Float>

  init(count: Int) {
    guard let pointer = fftwf_malloc(count * MemoryLayout<Float>.stride) else {
      fatalError("out of memory for \(count) samples")
    }
    self.pointer = pointer.bindMemory(to: Float.self, capacity: count)
    self.pointer.initialize(repeating: 0, count: count)
  }

  deinit { fftwf_free(pointer) }
}
