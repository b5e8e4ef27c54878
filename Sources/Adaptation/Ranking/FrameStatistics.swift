import TensorEngine

/// Sums over labelled frames of which an H-score is made. Sums of parts of a corpus add up.
package struct FrameStatistics: Sendable {
  package let size: Int
  /// Σ x and Σ x · xᵀ over all frames, [size] and [size, size].
  private(set) var sum: [Double]
  private(set) var products: [Double]
  /// By label: how many frames, and Σ x of them.
  private(set) var classes: [Int32: (count: Int, sum: [Double])] = [:]
  package private(set) var count = 0

  package init(size: Int) {
    self.size = size
    sum = [Double](repeating: 0, count: size)
    products = [Double](repeating: 0, count: size * size)
  }

  /// Adds frames.
  ///
  /// - Parameters:
  ///   - frames: [frames, size].
  ///   - labels: one a frame.
  package mutating func add(_ frames: [Float], labels: [Int32]) {
    precondition(
      frames.count == labels.count * size, "\(frames.count) values, \(labels.count) labels")
    guard !labels.isEmpty else { return }
    // In the engine: this is most of the work.
    let square = Tensor(uninitialised: [size, size])
    frames.withUnsafeBufferPointer { x in
      multiply(
        .plain(m: size, n: size, k: labels.count, transposeA: true, precision: .float32),
        x.baseAddress!, x.baseAddress!, into: square.pointer)
    }
    for index in products.indices { products[index] += Double(square.pointer[index]) }
    for (row, label) in labels.enumerated() {
      var part = classes[label] ?? (0, [Double](repeating: 0, count: size))
      part.count += 1
      for column in 0..<size {
        let value = Double(frames[row * size + column])
        part.sum[column] += value
        sum[column] += value
      }
      classes[label] = part
    }
    count += labels.count
  }

  package static func + (one: Self, other: Self) -> Self {
    precondition(one.size == other.size)
    var result = one
    for index in result.sum.indices { result.sum[index] += other.sum[index] }
    for index in result.products.indices { result.products[index] += other.products[index] }
    for (label, part) in other.classes {
      guard let own = result.classes[label] else {
        result.classes[label] = part
        continue
      }
      result.classes[label] = (own.count + part.count, zip(own.sum, part.sum).map { $0 + $1 })
    }
    result.count += other.count
    return result
  }
}
