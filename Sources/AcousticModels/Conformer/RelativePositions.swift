import Foundation
import TensorEngine

/// Sinusoids of the distances L − 1 … −(L − 1), interleaved sin and cos: [2L − 1, size].
///
/// Vaswani et al. 2017, section 3.5, at relative positions (Dai et al. 2019).
final class RelativePositions {
  private let size: Int
  private var kept: (length: Int, encodings: Tensor)?

  init(size: Int) { self.size = size }

  func callAsFunction(length: Int) -> Tensor {
    if let kept, kept.length == length { return kept.encodings }
    // float32 throughout, as the reference computes them: at far distances the rounding shows.
    let frequencies = (0..<size / 2).map { 1 / pow(10000, Float(2 * $0) / Float(size)) }
    let result = Tensor(uninitialised: [2 * length - 1, size])
    for row in 0..<2 * length - 1 {
      let distance = Float(length - 1 - row)
      let target = result.pointer + row * size
      for (index, frequency) in frequencies.enumerated() {
        let angle = distance * frequency
        target[2 * index] = sin(angle)
        target[2 * index + 1] = cos(angle)
      }
    }
    kept = (length, result)
    return result
  }
}
