import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Oracle: the formula of Dai et al. 2019, section 3.3, in plain loops and float64.
@Suite struct MultiHeadAttentionTests {
  private let size = 12
  private let heads = 3
  private let frames = [5, 1, 8]
  private let valid = [3, 1, 8]

  @Test(arguments: [true, false], [true, false])
  func followsTheFormula(_ isRelative: Bool, _ hasBias: Bool) throws {
    try onEngine {
      let source = ParameterSource(seed: 1)
      let layer = try MultiHeadAttention(
        "self_attn", size: size, heads: heads, bias: hasBias,
        positions: isRelative ? .relative : .none,
        from: source)
      #expect(source.parameters.count == (hasBias ? 8 : 4) + (isRelative ? 3 : 0))
      let segments = Segments(frames: frames, valid: valid)
      let x = Tensor.random(14, size, seed: 2)
      let positions = Tensor.random(2 * 9 - 1, size, seed: 3)
      let output = layer(
        x, shared: isRelative ? positions : nil, segments,
        Pass(training: false, precision: .float32))
      let expected = formula(layer, x, positions, segments)
      for index in 0..<segments.count {
        let rows = segments.validRange(index)
        #expect(
          Golden.relativeError(
            output.rowsView(rows).values,
            Array(expected[rows.lowerBound * size..<rows.upperBound * size])) < 1e-5)
      }
    }
  }

  private func project(_ x: [Double], _ layer: Linear) -> [Double] {
    let weight = layer.weight.values
    let bias = layer.bias?.values
    return (0..<x.count / size * size).map { index in
      let (row, out) = (index / size, index % size)
      return (0..<size).reduce(Double(bias?[out] ?? 0)) {
        $0 + x[row * size + $1] * Double(weight[out * size + $1])
      }
    }
  }

  private func formula(
    _ layer: MultiHeadAttention, _ x: Tensor, _ positions: Tensor, _ segments: Segments
  ) -> [Float] {
    let input = x.values.map(Double.init)
    let (q, k, v) = (
      project(input, layer.query), project(input, layer.key), project(input, layer.value)
    )
    let distances = layer.relative.map { project(positions.values.map(Double.init), $0.key) }
    let (u, w) = (layer.relative?.u.values, layer.relative?.v.values)
    let width = size / heads
    var mixed = [Double](repeating: 0, count: input.count)
    for index in 0..<segments.count {
      let rows = segments.validRange(index)
      for i in rows {
        for head in 0..<heads {
          let columns = head * width..<(head + 1) * width
          let scores = rows.map { j in
            columns.reduce(0.0) { sum, c in
              let content = (q[i * size + c] + Double(u?[c] ?? 0)) * k[j * size + c]
              guard let distances, let w else { return sum + content }
              // Row r is the distance 8 − r of query minus key.
              return sum + content
                + (q[i * size + c] + Double(w[c])) * distances[(8 - (i - j)) * size + c]
            } / Double(width).squareRoot()
          }
          let weights = scores.map { exp($0) }
          let total = weights.reduce(0, +)
          for (j, weight) in zip(rows, weights) {
            for c in columns { mixed[i * size + c] += weight / total * v[j * size + c] }
          }
        }
      }
    }
    return project(mixed, layer.output).map { Float($0) }
  }
}
