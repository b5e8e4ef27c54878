import Basics

/// Sums of `columns` drawn with replacement, again and again.
enum Resampling {
  /// Calls `body` with the summed columns of each resample: as many draws as there are rows.
  static func run(
    rows: [SIMD4<Int>], resamples: Int, random: inout SeededRandom, _ body: (SIMD4<Int>) -> Void
  ) {
    rows.withUnsafeBufferPointer { rows in
      for _ in 0..<resamples {
        var sum = SIMD4<Int>.zero
        for _ in 0..<rows.count { sum &+= rows[random.integer(below: rows.count)] }
        body(sum)
      }
    }
  }

  /// The quantile by linear interpolation, as NumPy's default. `sorted` is not empty.
  static func quantile(_ sorted: [Double], _ probability: Double) -> Double {
    let place = probability * Double(sorted.count - 1)
    let below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
  }

  static func rate(_ errors: Int, _ length: Int) -> Double {
    Double(errors) / Double(max(length, 1))
  }
}
