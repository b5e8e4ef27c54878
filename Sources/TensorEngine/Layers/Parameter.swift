/// What a parameter does in its layer: strategies choose by it.
public enum ParameterRole: String, Sendable, Codable {
  case weight
  case bias
  /// A normalisation's gain or bias.
  case normalisation
  /// A running statistic: saved and loaded, never trained.
  case statistic
  /// A low-rank update's factors.
  case lowRank
  /// Amplitudes of a linear layer's inputs, before their sigmoid.
  case amplitude
}

/// A named tensor of a network.
public struct Parameter {
  /// Its name in the checkpoint, such as `encoder.layers.3.conv.norm.weight`.
  public let name: String
  public let role: ParameterRole
  public let tensor: Tensor
}

/// How a new parameter begins.
public enum Initialisation: Sendable {
  case constant(Float)
  /// Uniform in ±bound.
  case uniform(Float)
  /// Normal with mean 0.
  case normal(deviation: Float)
  /// As many as the parameter has.
  case values([Float])

  /// PyTorch's default for layers of `inputs` inputs: uniform in ±1/√inputs.
  public static func scaled(inputs: Int) -> Initialisation {
    .uniform(1 / Float(max(1, inputs)).squareRoot())
  }
}
