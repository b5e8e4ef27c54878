import Basics

/// How features change from frame to frame, and how that changes.
public struct Deltas: Sendable, Codable, Hashable {
  public enum Convention: String, NamedChoice {
    /// Σ n · (f[t + n] − f[t − n]) / 2 Σ n², the ends repeated; of that again for the next order
    /// (torchaudio, python_speech_features).
    case regression
    /// The same, but the window of each order is applied to the features themselves, which differs at the ends.
    case kaldi
    /// The derivative of a polynomial fitted to the frames (Savitzky and Golay 1964); the first and last frames have
    /// that of the nearest whole window (librosa).
    case polynomial
  }

  public var convention = Convention.regression
  /// Frames on either side of one.
  public var reachOfOne = 2
  public var order = 2
  /// Whether the features themselves come before their deltas.
  public var keepsFeatures = true

  public init(
    _ convention: Convention = .regression, reach: Int = 2, order: Int = 2,
    keepsFeatures: Bool = true
  ) {
    (self.convention, reachOfOne, self.order) = (convention, reach, order)
    self.keepsFeatures = keepsFeatures
  }

  func bins(_ bins: Int) -> Int { bins * (order + (keepsFeatures ? 1 : 0)) }

  var reach: (before: Int, after: Int) {
    let frames = convention == .polynomial ? 2 * reachOfOne : reachOfOne * order
    return (frames, frames)
  }

  /// What a polynomial is fitted to.
  var fewestFrames: Int { convention == .polynomial ? 2 * reachOfOne + 1 : 1 }

  /// - Throws: `.invalidAudio` where a polynomial has fewer frames than it is fitted to.
  func apply(_ matrix: FrameMatrix) throws -> FrameMatrix {
    var parts = keepsFeatures ? [matrix] : []
    switch convention {
    case .regression:
      var last = matrix
      for _ in 0..<order {
        last = filtered(last, slope)
        parts.append(last)
      }
    case .kaldi:
      var window = [1.0]
      for _ in 0..<order {
        window = convolved(window, slope)
        parts.append(filtered(matrix, window))
      }
    case .polynomial:
      guard matrix.frames >= fewestFrames else {
        throw IdiolectError(
          .invalidAudio,
          "too short: deltas over \(fewestFrames) frames of a recording that has \(matrix.frames); leave it out"
        )
      }
      for degree in 1...order {
        let inner = filtered(matrix, polynomial(degree))
        var whole = inner
        for frame in 0..<reachOfOne {
          whole.set(frame, at: 0, inner.row(reachOfOne))
          whole.set(matrix.frames - 1 - frame, at: 0, inner.row(matrix.frames - 1 - reachOfOne))
        }
        parts.append(whole)
      }
    }
    var result = FrameMatrix(frames: matrix.frames, bins: bins(matrix.bins))
    for frame in 0..<matrix.frames {
      for (index, part) in parts.enumerated() {
        result.set(frame, at: index * matrix.bins, part.row(frame))
      }
    }
    return result
  }

  /// The window of the first order, `[2 · reach + 1]`.
  private var slope: [Double] {
    let squares = 2 * (1...reachOfOne).reduce(0) { $0 + $1 * $1 }
    return (-reachOfOne...reachOfOne).map { Double($0) / Double(squares) }
  }

  /// The window that gives the derivative `degree` of the polynomial of that degree nearest to the frames.
  private func polynomial(_ degree: Int) -> [Double] {
    // Orthogonal polynomials over the frames (Gram): only the last has that derivative.
    let places = (-reachOfOne...reachOfOne).map(Double.init)
    var (before, now) = ([Double](repeating: 0, count: places.count), places.map { _ in 1.0 })
    var norm = Double(places.count)
    for step in 0..<degree {
      let last = now
      let previous = before.reduce(0) { $0 + $1 * $1 }
      let ratio = step == 0 || previous == 0 ? 0 : norm / previous
      now = zip(zip(places, now), before).map { $0.0 * $0.1 - ratio * $1 }
      before = last
      norm = now.reduce(0) { $0 + $1 * $1 }
    }
    // Its leading coefficient is 1: the derivative is degree!.
    let factorial = (1...degree).reduce(1.0) { $0 * Double($1) }
    return now.map { factorial * $0 / norm }
  }

  private func convolved(_ a: [Double], _ b: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: a.count + b.count - 1)
    for (i, x) in a.enumerated() { for (j, y) in b.enumerated() { result[i + j] += x * y } }
    return result
  }

  /// Σ window[n] · f[t + n], the first and last frames repeated beyond the ends.
  private func filtered(_ matrix: FrameMatrix, _ window: [Double]) -> FrameMatrix {
    var result = FrameMatrix(frames: matrix.frames, bins: matrix.bins)
    let half = window.count / 2
    for frame in 0..<matrix.frames {
      for bin in 0..<matrix.bins {
        var sum = 0.0
        for (offset, weight) in window.enumerated() {
          let place = min(max(0, frame + offset - half), matrix.frames - 1)
          sum += weight * Double(matrix[place, bin])
        }
        result[frame, bin] = Float(sum)
      }
    }
    return result
  }
}
