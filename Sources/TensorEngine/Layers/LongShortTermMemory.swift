/// A long short-term memory layer, in one direction or both, with the names of `torch.nn.LSTM`.
public final class LongShortTermMemory {
  public let directions: [LongShortTermMemoryWeights]

  /// - Parameter hidden: of one direction.
  public init(
    _ name: String, inputs: Int, hidden: Int, isBidirectional: Bool = false,
    from source: ParameterSource
  ) throws {
    let initial = Initialisation.scaled(inputs: hidden)
    directions = try (isBidirectional ? ["", "_reverse"] : [""]).map { suffix in
      LongShortTermMemoryWeights(
        input: try source.parameter(
          "\(name).weight_ih_l0\(suffix)", [4 * hidden, inputs], .weight, initial),
        recurrent: try source.parameter(
          "\(name).weight_hh_l0\(suffix)", [4 * hidden, hidden], .weight, initial),
        biases: (
          try source.parameter("\(name).bias_ih_l0\(suffix)", [4 * hidden], .bias, initial),
          try source.parameter("\(name).bias_hh_l0\(suffix)", [4 * hidden], .bias, initial)
        ))
    }
  }

  /// [rows, in] to [rows, directions · hidden]; see `Tensor.lstm`.
  public func callAsFunction(
    _ x: Tensor, _ segments: Segments, from initial: LongShortTermMemoryState? = nil, _ pass: Pass
  ) -> Tensor {
    x.lstm(directions, segments, from: initial, pass)
  }
}
