import Basics
import Foundation

/// Round numbers along an axis.
package enum Axis {
  /// Multiples of 1, 2 or 5 times a power of ten, at most `most` of them and one more.
  package static func ticks(from low: Double, to high: Double, most: Int) -> [Double] {
    guard high > low, most > 0 else { return [low] }
    let rough = (high - low) / Double(most)
    let power = pow(10, log10(rough).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * (1 - 1e-9) } ?? rough
    let first = (low / step - 1e-9).rounded(.up)
    let last = (high / step + 1e-9).rounded(.down)
    return stride(from: first, through: last, by: 1).map { $0 * step }
  }

  /// All with as many decimals as one of them needs, and no more.
  package static func labels(_ ticks: [Double]) -> [String] {
    let digits =
      (0..<9).first { digits in
        ticks.allSatisfy { tick in
          let scaled = tick * pow(10, Double(digits))
          return abs(scaled - scaled.rounded()) < 1e-6
        }
      } ?? 9
    // Rounding may have left a minus before zero.
    return ticks.map { decimals($0 == 0 ? 0 : $0, digits) }
  }
}
