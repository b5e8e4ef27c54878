/// How well frames tell labels apart without any training: the share of the frames' variance, whitened, that
/// lies between the labels, over the most it could be.
///
/// Bao et al. 2019; covariance shrunk as in Ibrahim et al. 2021, by the oracle approximation of Chen et al. 2010.
package struct HScore {
  /// 0 … 1.
  package let value: Double
  package let labels: Int
  /// The share of the covariance that is replaced by a multiple of the identity.
  package let shrinkage: Double

  /// nil where there are fewer than two labels or too few frames to say anything.
  package init?(_ statistics: FrameStatistics) {
    let (size, n) = (statistics.size, Double(statistics.count))
    // A label of a frame or two says nothing about its mean.
    let classes = statistics.classes.values.filter { $0.count >= 3 }
    guard classes.count >= 2, statistics.count > classes.count else { return nil }
    let mean = statistics.sum.map { $0 / n }
    var covariance = statistics.products.map { $0 / n }
    for row in 0..<size {
      for column in 0..<size { covariance[row * size + column] -= mean[row] * mean[column] }
    }
    let trace = (0..<size).reduce(0.0) { $0 + covariance[$1 * size + $1] }
    let squares = covariance.reduce(0.0) { $0 + $1 * $1 }
    guard trace > 0, trace.isFinite else { return nil }
    let p = Double(size)
    let upper = (1 - 2 / p) * squares + trace * trace
    let lower = (n + 1 - 2 / p) * (squares - trace * trace / p)
    shrinkage = lower > 0 ? min(1, max(1e-6, upper / lower)) : 1
    for index in covariance.indices { covariance[index] *= 1 - shrinkage }
    for row in 0..<size { covariance[row * size + row] += shrinkage * trace / p }
    guard let factor = Cholesky(covariance, size: size) else { return nil }
    let between = classes.reduce(0.0) { total, part in
      let offset = zip(part.sum, mean).map { $0 / Double(part.count) - $1 }
      let white = factor.solveLower(offset)
      return total + Double(part.count) / n * white.reduce(0.0) { $0 + $1 * $1 }
    }
    labels = classes.count
    // Products are summed in float32, which may take it past the end.
    value = min(1, between / Double(min(classes.count - 1, size)))
  }
}

/// A = L · Lᵀ of a symmetric positive definite matrix.
struct Cholesky {
  private let lower: [Double]
  private let size: Int

  /// - Parameter matrix: [size, size].
  init?(_ matrix: [Double], size: Int) {
    var lower = matrix
    for column in 0..<size {
      for row in column..<size {
        var value = lower[row * size + column]
        for k in 0..<column { value -= lower[row * size + k] * lower[column * size + k] }
        if row == column {
          guard value > 0 else { return nil }
          lower[row * size + column] = value.squareRoot()
        } else {
          lower[row * size + column] = value / lower[column * size + column]
        }
      }
    }
    self.lower = lower
    self.size = size
  }

  /// x of L · x = b.
  func solveLower(_ b: [Double]) -> [Double] {
    var x = b
    for row in 0..<size {
      for k in 0..<row { x[row] -= lower[row * size + k] * x[k] }
      x[row] /= lower[row * size + row]
    }
    return x
  }
}
