import Foundation

extension PreflightReport.Spread {
  /// Of some values; nil for none.
  init?(_ values: [Double]) {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    func point(_ share: Double) -> Double {
      sorted[Int((share * Double(sorted.count - 1)).rounded())]
    }
    self.init(median: point(0.5), low: point(0.05), high: point(0.95))
  }

  static func logarithm(_ value: Double) -> Double { log(max(value, .leastNormalMagnitude)) }
}
