import Foundation

extension Tensor {
  /// How much biases of the distance count for each query and head: a · (b · c − 1) + 2, where a and b are the
  /// sigmoids of the sums of four projections each.
  ///
  /// The gated relative position bias of WavLM (Chen et al. 2022, section 3.1; Chi et al. 2022).
  ///
  /// - Parameters:
  ///   - self: projections, [rows · heads, 8].
  ///   - constants: c, one a head, in any shape.
  /// - Returns: [rows, heads].
  package func distanceGates(_ constants: Tensor) -> Tensor {
    let heads = constants.count
    precondition(
      columns == 8 && rows % heads == 0, "gates of \(shape) for \(heads) heads")
    let (count, scales, projections) = (rows, constants.pointer, pointer)
    let result = Tensor(uninitialised: [count / heads, heads])
    let into = result.pointer
    func gates(_ place: Int) -> (a: Float, b: Float) {
      let x = projections + 8 * place
      return (
        1 / (1 + exp(-(x[0] + x[1] + x[2] + x[3]))), 1 / (1 + exp(-(x[4] + x[5] + x[6] + x[7])))
      )
    }
    for place in 0..<count {
      let (a, b) = gates(place)
      into[place] = a * (b * scales[place % heads] - 1) + 2
    }
    return result.from("distance gates", [self, constants]) { gradient in
      let share = Tensor(uninitialised: self.shape)
      let others = Tensor(repeating: 0, shape: constants.shape)
      let (from, into, sums) = (gradient.pointer, share.pointer, others.pointer)
      for place in 0..<count {
        let (a, b) = gates(place)
        let (given, c) = (from[place], scales[place % heads])
        (into + 8 * place).update(repeating: given * (b * c - 1) * a * (1 - a), count: 4)
        (into + 8 * place + 4).update(repeating: given * a * c * b * (1 - b), count: 4)
        sums[place % heads] += given * a * b
      }
      self.accumulate(share)
      constants.accumulate(others)
    }
  }
}
