import CKernels
import Foundation

/// Mean 0 and deviation 1 of each bin over a recording.
public struct Standardisation: Sendable, Codable, Hashable {
  public enum Guard: Sendable, Codable, Hashable {
    /// Divides by deviation + offset.
    case deviation(Double)
    /// Divides by √(variance + offset).
    case variance(Double)
  }

  /// Whether the variance divides by n − 1.
  public var isUnbiased = true
  public var guarded = Guard.deviation(1e-5)
  /// Whether the deviation is left as it is, and only the mean goes.
  public var keepsDeviation = false

  public init(
    isUnbiased: Bool = true, guarded: Guard = .deviation(1e-5), keepsDeviation: Bool = false
  ) {
    (self.isUnbiased, self.guarded, self.keepsDeviation) = (isUnbiased, guarded, keepsDeviation)
  }

  /// The fewest frames that have a deviation.
  var fewestFrames: Int { isUnbiased && !keepsDeviation ? 2 : 1 }

  func apply(_ matrix: FrameMatrix) -> FrameMatrix {
    var statistics = Statistics(bins: matrix.bins)
    statistics.add(rows: matrix.values)
    return apply(matrix, statistics)
  }

  func apply(_ matrix: FrameMatrix, _ statistics: Statistics) -> FrameMatrix {
    let scales = (0..<matrix.bins).map { scale(statistics, $0) }
    let (frames, bins) = (matrix.frames, matrix.bins)
    let values = [Float](unsafeUninitializedCapacity: frames * bins) { values, count in
      if let first = values.baseAddress {
        ck_standardise(matrix.values, frames, bins, statistics.means, scales, first)
      }
      count = frames * bins
    }
    return FrameMatrix(frames: frames, bins: bins, values: values)
  }

  private func scale(_ statistics: Statistics, _ bin: Int) -> Double {
    if keepsDeviation { return 1 }
    let variance =
      statistics.squares[bin] / Double(max(1, statistics.count - (isUnbiased ? 1 : 0)))
    return switch guarded {
    case .deviation(let offset): 1 / (variance.squareRoot() + offset)
    case .variance(let offset): 1 / (variance + offset).squareRoot()
    }
  }

  /// Mean and sum of squared differences of each bin, frame by frame (Welford 1962): in double precision, so that a
  /// bin that never changes (digital silence) has exactly no deviation.
  struct Statistics: Sendable {
    private(set) var count = 0
    private(set) var means, squares: [Double]

    init(bins: Int) {
      means = [Double](repeating: 0, count: bins)
      squares = means
    }

    init(count: Int, means: [Double], squares: [Double]) {
      (self.count, self.means, self.squares) = (count, means, squares)
    }

    /// - Parameter rows: `[frames, bins]`.
    mutating func add(rows: [Float]) {
      rows.withUnsafeBufferPointer { rows in
        for start in stride(from: 0, to: rows.count, by: means.count) {
          count += 1
          ck_add_moments(rows.baseAddress! + start, means.count, count, &means, &squares)
        }
      }
    }
  }
}
