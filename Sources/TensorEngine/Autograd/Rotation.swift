import Foundation

extension Tensor {
  /// Each head's numbers turned in pairs (d, d + size / 2) by angles that grow along an utterance.
  ///
  /// Rotary position embedding (Su et al. 2021), in the halves that GPT-NeoX and transformers use.
  ///
  /// - Parameters:
  ///   - self: [rows, heads · size].
  ///   - frequencies: angles from a frame to the next, [size / 2].
  package func rotated(by frequencies: Tensor, _ segments: Segments) -> Tensor {
    let half = frequencies.count
    precondition(
      half > 0 && columns % (2 * half) == 0 && rows == segments.rows,
      "\(half) frequencies for \(shape)")
    // float32 throughout, as the reference computes the angles.
    let longest = segments.longest
    var turns = [(cos: Float, sin: Float)]()
    turns.reserveCapacity(longest * half)
    for frame in 0..<longest {
      for index in 0..<half {
        let angle = Float(frame) * frequencies.pointer[index]
        turns.append((cos(angle), sin(angle)))
      }
    }
    let columns = columns
    func turn(_ source: Tensor, _ direction: Float) -> Tensor {
      let result = Tensor(uninitialised: source.shape)
      let (from, into) = (source.pointer, result.pointer)
      for index in 0..<segments.count {
        for (frame, row) in segments.range(index).enumerated() {
          for head in stride(from: row * columns, to: (row + 1) * columns, by: 2 * half) {
            for pair in 0..<half {
              let (cos, sin) = turns[frame * half + pair]
              let (x, y) = (from[head + pair], from[head + half + pair])
              into[head + pair] = x * cos - direction * y * sin
              into[head + half + pair] = y * cos + direction * x * sin
            }
          }
        }
      }
      return result
    }
    return turn(self, 1).from("rotate", [self]) { [slot] in slot.accumulate(turn($0, -1)) }
  }
}
