import Foundation

// Numbers in messages and reports, all written by these.

/// `12.3 %` of a share, 0 … 1.
package func percent(_ share: Double, digits: Int = 1) -> String {
  decimals(share * 100, digits) + " %"
}

/// `+1.2` or `−0.4`: percentage points of a difference of shares, without the unit.
package func points(_ difference: Double) -> String {
  let text = decimals(abs(difference) * 100, 1)
  // What rounds to nothing has no direction.
  guard text != "0.0" else { return text }
  return (difference < 0 ? "−" : "+") + text
}

/// `1.500`, with so many digits after the point.
package func decimals(_ value: Double, _ digits: Int) -> String {
  String(format: "%.\(digits)f", value)
}
