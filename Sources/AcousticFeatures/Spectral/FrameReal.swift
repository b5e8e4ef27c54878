import CKernels

/// A precision in which frames are cut from a recording and shaped.
protocol FrameReal: BinaryFloatingPoint, BitwiseCopyable, Codable, Sendable {
  typealias Buffer = UnsafeMutablePointer<Self>

  /// out[i] = scale · (x[i] − emphasis · x[i − 1]); x[−1] is read where there is an emphasis.
  static func samples(
    _ x: UnsafePointer<Float>, emphasis: Double, scale: Double, into out: Buffer, count: Int)
  /// Takes away the mean, in place.
  static func removeMean(_ x: Buffer, count: Int)
  /// The sum of squares.
  static func energy(_ x: Buffer, count: Int) -> Double
  /// out[i] = (x[i] − emphasis · x[i − 1]) · window[i], where x[−1] stands for x[0].
  static func window(
    _ x: Buffer, emphasis: Double, by window: UnsafePointer<Self>, into out: Buffer, count: Int)
  /// re² + im² of so many pairs.
  static func power(_ pairs: Buffer, into power: UnsafeMutablePointer<Float>, count: Int)
  /// The count + 1 powers of 2 · count real numbers whose pairs were transformed as count complex ones.
  static func power(
    ofHalves halves: Buffer, _ turns: UnsafePointer<Self>, into power: UnsafeMutablePointer<Float>,
    count: Int)
}

extension Float {
  static func samples(
    _ x: UnsafePointer<Float>, emphasis: Double, scale: Double, into out: Buffer, count: Int
  ) {
    ck_frame_samples(x, Float(emphasis), Float(scale), out, count)
  }

  static func removeMean(_ x: Buffer, count: Int) { ck_remove_mean(x, count) }

  static func energy(_ x: Buffer, count: Int) -> Double { ck_frame_energy(x, count) }

  static func window(
    _ x: Buffer, emphasis: Double, by window: UnsafePointer<Float>, into out: Buffer, count: Int
  ) {
    ck_window_frame(x, Float(emphasis), window, out, count)
  }

  static func power(_ pairs: Buffer, into power: UnsafeMutablePointer<Float>, count: Int) {
    ck_power_spectrum(pairs, power, count)
  }

  static func power(
    ofHalves halves: Buffer, _ turns: UnsafePointer<Float>,
    into power: UnsafeMutablePointer<Float>, count: Int
  ) {
    ck_power_of_halves(halves, turns, power, count)
  }
}

extension Double {
  static func samples(
    _ x: UnsafePointer<Float>, emphasis: Double, scale: Double, into out: Buffer, count: Int
  ) {
    ck_frame_samples_double(x, emphasis, scale, out, count)
  }

  static func removeMean(_ x: Buffer, count: Int) { ck_remove_mean_double(x, count) }

  static func energy(_ x: Buffer, count: Int) -> Double { ck_frame_energy_double(x, count) }

  static func window(
    _ x: Buffer, emphasis: Double, by window: UnsafePointer<Double>, into out: Buffer, count: Int
  ) {
    ck_window_frame_double(x, emphasis, window, out, count)
  }

  static func power(_ pairs: Buffer, into power: UnsafeMutablePointer<Float>, count: Int) {
    ck_power_spectrum_double(pairs, power, count)
  }

  static func power(
    ofHalves halves: Buffer, _ turns: UnsafePointer<Double>,
    into power: UnsafeMutablePointer<Float>, count: Int
  ) {
    ck_power_of_halves_double(halves, turns, power, count)
  }
}
