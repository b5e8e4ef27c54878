import Basics
import TensorEngine

extension Tensor {
  /// A leaf of normal values that a seed determines.
  static func random(_ shape: Int..., seed: UInt64, scale: Float = 1) -> Tensor {
    var random = SeededRandom(seed: seed)
    let leaf = Tensor(
      (0..<shape.reduce(1, *)).map { _ in random.normal() * scale }, shape: shape)
    leaf.requiresGradient = true
    return leaf
  }

  /// The values with their dimensions in another order, off the tape: the plain loop to compare with.
  func permuted(_ order: [Int]) -> Tensor {
    let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    let source = values
    let target = order.map { shape[$0] }
    var index = [Int](repeating: 0, count: shape.count)
    var result: [Float] = []
    for _ in 0..<count {
      result.append(source[zip(order, index).reduce(0) { $0 + strides[$1.0] * $1.1 }])
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < target[axis] { break }
        index[axis] = 0
      }
    }
    return Tensor(result, shape: target)
  }
}
