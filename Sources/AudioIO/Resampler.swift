import Basics
import CSoxr

/// The owner of one libsoxr stream: mono, very high quality (28 bits), linear phase.
///
/// Same samples in, same samples out, however they are cut into blocks. Not to be shared between threads.
final class Resampler {
  private let handle: OpaquePointer
  private let ratio: Double
  private var isFlushed = false

  /// - Parameters: rates in Hz, which need not be whole.
  /// - Throws: `.unsupported` where libsoxr refuses, or the rates differ more than 256-fold.
  init(from inputRate: Double, to outputRate: Double) throws {
    ratio = outputRate / inputRate
    guard inputRate > 0, outputRate > 0, ratio <= 256, ratio >= 1 / 256.0 else {
      throw IdiolectError(
        .unsupported,
        "cannot resample from \(inputRate) Hz to \(outputRate) Hz; choose nearer rates")
    }
    var failure: soxr_error_t?
    var format = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I)
    var quality = soxr_quality_spec(UInt(SOXR_VHQ), 0)
    // One thread: more would be a second pool beside the engine's.
    var runtime = soxr_runtime_spec(1)
    let created = soxr_create(inputRate, outputRate, 1, &failure, &format, &quality, &runtime)
    guard let created, failure == nil else {
      let reason = failure.map { String(cString: $0) } ?? "out of memory"
      throw IdiolectError(
        .unsupported, "cannot resample from \(inputRate) Hz to \(outputRate) Hz: \(reason)")
    }
    handle = created
  }

  deinit { soxr_delete(handle) }

  /// Appends to `output` what `input` makes ready; nil ends the stream and gives all that is left.
  func process(_ input: UnsafeBufferPointer<Float>?, appendingTo output: inout [Float]) throws {
    precondition(!isFlushed, "a resampler that was flushed gets more input")
    isFlushed = input == nil
    var remaining = input ?? UnsafeBufferPointer(start: nil, count: 0)
    let capacity = max(1024, Int(Double(remaining.count) * ratio) + 1024)
    while true {
      var used = 0
      var made = 0
      var failure: soxr_error_t?
      let block = [Float](unsafeUninitializedCapacity: capacity) { buffer, count in
        failure = soxr_process(
          handle, isFlushed ? nil : UnsafeRawPointer(remaining.baseAddress), remaining.count,
          &used, buffer.baseAddress, capacity, &made)
        count = made
      }
      if let failure {
        throw IdiolectError(.unsupported, "resampling failed: \(String(cString: failure))")
      }
      output += block
      remaining = UnsafeBufferPointer(rebasing: remaining[used...])
      if isFlushed ? made == 0 : remaining.isEmpty && made < capacity { return }
    }
  }
}

/// The samples at another rate, by libsoxr's very high quality setting.
///
/// - Parameters:
///   - samples: `[samples]`, mono.
///   - inputRate, outputRate: Hz.
/// - Throws: `.unsupported` where the rates are not positive or differ more than 256-fold.
public func resample(_ samples: [Float], from inputRate: Double, to outputRate: Double) throws
  -> [Float]
{
  if inputRate == outputRate || samples.isEmpty { return samples }
  let resampler = try Resampler(from: inputRate, to: outputRate)
  var output: [Float] = []
  output.reserveCapacity(Int(Double(samples.count) * outputRate / inputRate) + 1024)
  try samples.withUnsafeBufferPointer { try resampler.process($0, appendingTo: &output) }
  try resampler.process(nil, appendingTo: &output)
  return output
}
