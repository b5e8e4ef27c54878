import Foundation

/// Curves over a common axis as inline SVG.
struct LineChart {
  struct Curve {
    let name: String
    let points: [(x: Double, y: Double)]
    let colour: String
  }

  let title: String
  let xLabel: String
  let curves: [Curve]
  /// What y is multiplied by to be shown, such as 100 for percent.
  var scale = 1.0

  private static let (width, height) = (440.0, 220.0)
  private static let (left, right, top, bottom) = (48.0, 12.0, 26.0, 34.0)

  /// Empty where there is nothing to draw.
  var svg: String {
    let points = curves.flatMap(\.points)
    guard points.count >= 2, let lowX = points.map(\.x).min(), let highX = points.map(\.x).max()
    else { return "" }
    let highY = max((points.map(\.y).max() ?? 1) * scale * 1.05, 1e-9)
    func x(_ value: Double) -> Double {
      LineChart.left + (value - lowX) / max(highX - lowX, 1e-9)
        * (LineChart.width - LineChart.left - LineChart.right)
    }
    func y(_ value: Double) -> Double {
      LineChart.height - LineChart.bottom - value * scale / highY
        * (LineChart.height - LineChart.top - LineChart.bottom)
    }
    var parts = [
      "<svg viewBox=\"0 0 \(Int(LineChart.width)) \(Int(LineChart.height))\" role=\"img\" aria-label=\"\(HTML.escaped(title))\">",
      "<text x=\"\(LineChart.left)\" y=\"14\" class=\"title\">\(HTML.escaped(title))</text>",
    ]
    for share in [0.0, 0.25, 0.5, 0.75, 1] {
      let value = share * highY
      let place = y(value / scale)
      parts.append(
        "<line class=\"grid\" x1=\"\(LineChart.left)\" x2=\"\(LineChart.width - LineChart.right)\" y1=\"\(short(place))\" y2=\"\(short(place))\"/><text class=\"tick\" text-anchor=\"end\" x=\"\(LineChart.left - 5)\" y=\"\(short(place + 4))\">\(tick(value))</text>"
      )
    }
    for share in [0.0, 0.5, 1] {
      let value = lowX + share * (highX - lowX)
      parts.append(
        "<text class=\"tick\" text-anchor=\"middle\" x=\"\(short(x(value)))\" y=\"\(LineChart.height - 18)\">\(tick(value))</text>"
      )
    }
    parts.append(
      "<text class=\"tick\" text-anchor=\"middle\" x=\"\((LineChart.left + LineChart.width) / 2)\" y=\"\(LineChart.height - 4)\">\(HTML.escaped(xLabel))</text>"
    )
    for (index, curve) in curves.enumerated() {
      let line = LineChart.thinned(curve.points).map { "\(short(x($0.x))),\(short(y($0.y)))" }
      parts.append(
        "<polyline fill=\"none\" stroke=\"\(curve.colour)\" stroke-width=\"1.5\" points=\"\(line.joined(separator: " "))\"/>"
      )
      guard curves.count > 1 else { continue }
      parts.append(
        "<text class=\"tick\" fill=\"\(curve.colour)\" x=\"\(LineChart.width - 90)\" y=\"\(16 + 13 * index)\" style=\"fill:\(curve.colour)\">\(HTML.escaped(curve.name))</text>"
      )
    }
    return parts.joined() + "</svg>"
  }

  /// As many points as the picture can show: means of neighbours.
  private static func thinned(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    let most = 300
    guard points.count > most else { return points }
    let step = Double(points.count) / Double(most)
    return (0..<most).map { index in
      let part = points[
        Int(
          Double(index) * step)..<max(Int(Double(index) * step) + 1, Int(Double(index + 1) * step))]
      let count = Double(part.count)
      return (part.reduce(0) { $0 + $1.x } / count, part.reduce(0) { $0 + $1.y } / count)
    }
  }

  private func short(_ value: Double) -> String { String(format: "%.1f", value) }
  private func tick(_ value: Double) -> String {
    value == 0
      ? "0" : abs(value) < 0.01 ? String(format: "%.1e", value) : String(format: "%.4g", value)
  }
}
