import Basics
import TensorEngine
import TestSupport
import Testing

/// Compares the tape's gradients with finite differences of a random projection of the output.
///
/// The differences are central over four points, so that a step large enough for float32's rounding
/// leaves an error of the step's fourth power; the projection is summed in float64.
enum GradientCheck {
  static let step: Float = 0.02

  /// - Parameter tolerance: largest difference over all of an input's elements, relative to the largest.
  static func expect(
    _ inputs: [Tensor], tolerance: Double = 5e-4, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: @escaping ([Tensor]) -> Tensor
  ) throws {
    try onEngine {
      for input in inputs { input.gradient = nil }
      let tape = Tape()
      let output = tape.recording { body(inputs) }
      let weights = Tensor.random(output.count, seed: 99)
      tape.backward(from: output, gradient: weights.view(output.shape))
      for (index, input) in inputs.enumerated() where input.requiresGradient {
        let found = try #require(input.gradient, "no gradient for input \(index)")
        let expected = differences(input) { project(body(inputs), on: weights) }
        let error = Golden.relativeError(found.values, expected)
        #expect(
          error < tolerance, "the gradient of input \(index) is off by \(error)",
          sourceLocation: sourceLocation)
      }
    }
  }

  private static func differences(_ input: Tensor, _ loss: () -> Double) -> [Float] {
    (0..<input.count).map { element in
      let kept = input.pointer[element]
      func at(_ steps: Float) -> Double {
        input.pointer[element] = kept + steps * step
        return loss()
      }
      defer { input.pointer[element] = kept }
      return Float((8 * (at(1) - at(-1)) - (at(2) - at(-2))) / Double(12 * step))
    }
  }

  private static func project(_ output: Tensor, on weights: Tensor) -> Double {
    zip(output.values, weights.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}
