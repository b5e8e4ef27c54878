import Foundation

/// The shape that a frame is multiplied by.
public enum Window: String, NamedChoice {
  /// ½ − ½ cos(2πi / (n − 1)): begins and ends with 0.
  case hann
  /// ½ − ½ cos(2πi / n): one period of the cosine.
  case periodicHann
  /// 0.54 − 0.46 cos(2πi / (n − 1)).
  case hamming
  /// 0.54 − 0.46 cos(2πi / n).
  case periodicHamming
  /// Hann to the power 0.85: Kaldi's own.
  case povey
  /// All ones.
  case rectangular

  private var isPeriodic: Bool { self == .periodicHann || self == .periodicHamming }

  /// `[length]`.
  func values(length: Int) -> [Double] {
    (0..<length).map { index in
      let angle =
        2 * Double.pi * Double(index) / Double(isPeriodic ? length : max(1, length - 1))
      return switch self {
      case .hann, .periodicHann: 0.5 - 0.5 * cos(angle)
      case .hamming, .periodicHamming: 0.54 - 0.46 * cos(angle)
      case .povey: pow(0.5 - 0.5 * cos(angle), 0.85)
      case .rectangular: 1.0
      }
    }
  }
}
