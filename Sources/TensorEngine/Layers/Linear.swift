/// y = x · Wᵀ + b. While adapting there may be a low-rank update, + scale · x · Aᵀ · Bᵀ, or amplitudes of the
/// inputs; both fold into the weight.
public final class Linear {
  /// [out, in]
  public private(set) var weight: Tensor
  /// [out]
  public private(set) var bias: Tensor?
  public private(set) var lowRank: LowRankUpdate?
  public private(set) var amplitudes: InputAmplitudes?
  public let name: String

  /// - Parameters:
  ///   - trailing: further sizes of the weight, all 1: a convolution over one frame is linear.
  ///   - initialisation: of weight and bias; PyTorch's default without it.
  public init(
    _ name: String, inputs: Int, outputs: Int, bias: Bool = true, trailing: [Int] = [],
    initialisation: Initialisation? = nil, from source: ParameterSource
  ) throws {
    self.name = name
    let initialisation = initialisation ?? .scaled(inputs: inputs)
    weight = try source.parameter(
      "\(name).weight", [outputs, inputs] + trailing, .weight, initialisation)
    self.bias =
      bias ? try source.parameter("\(name).bias", [outputs], .bias, initialisation) : nil
  }

  /// - Parameter result: what the result is held in; the pass's precision when nil.
  public func callAsFunction(_ x: Tensor, result held: Precision? = nil, _ pass: Pass) -> Tensor {
    let result = x.linear(
      amplitudes.map { weight.scaledColumns(by: $0.values) } ?? weight, bias: bias, result: held,
      pass)
    guard let lowRank else { return result }
    return result.adding(lowRank(x, pass), scaledBy: lowRank.scale)
  }

  /// Adds a low-rank update, in place of the one there is; nil for none.
  public func addLowRank(_ update: LowRankUpdate?) { lowRank = update }

  /// Adds amplitudes of the inputs, which begin as 1.
  public func addAmplitudes(_ update: InputAmplitudes) { amplitudes = update }

  /// Folds what was added into the weight and drops it.
  public func foldUpdates() {
    if let lowRank { lowRank.fold(into: weight) }
    if let amplitudes { amplitudes.fold(into: weight) }
    (lowRank, amplitudes) = (nil, nil)
  }
}

/// A change of a linear layer's weight by two thin matrices: ΔW = scale · B · A (Hu et al. 2021).
public final class LowRankUpdate {
  /// [rank, in]
  public let a: Tensor
  /// [out, rank]
  public let b: Tensor
  /// alpha / rank
  public let scale: Float

  public init(
    _ name: String, inputs: Int, outputs: Int, rank: Int, alpha: Float, from source: ParameterSource
  ) throws {
    a = try source.parameter(
      "\(name).lora_A.weight", [rank, inputs], .lowRank, .scaled(inputs: inputs))
    b = try source.parameter("\(name).lora_B.weight", [outputs, rank], .lowRank, .constant(0))
    scale = alpha / Float(rank)
  }

  /// The same update, counting by a share.
  public init(_ other: LowRankUpdate, share: Float) {
    (a, b, scale) = (other.a, other.b, other.scale * share)
  }

  func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    x.linear(a, pass).linear(b, pass)
  }

  func fold(into weight: Tensor) {
    let (outputs, rank, inputs) = (b.shape[0], a.shape[0], a.shape[1])
    precondition(
      weight.count == outputs * inputs, "an update \(b.shape)·\(a.shape) for \(weight.shape)")
    let change = Tensor(uninitialised: [outputs, inputs])
    multiply(
      .plain(m: outputs, n: inputs, k: rank, precision: .float32), b.pointer, a.pointer,
      into: change.pointer)
    let target = weight.pointer
    for index in 0..<weight.count { target[index] += scale * change.pointer[index] }
    weight.didChange()
  }
}

/// How much each input of a linear layer counts, 2 · σ(r): 1 to begin with, between 0 and 2. On a hidden
/// layer's outputs these are the hidden unit contributions of Swietojanski and Renals 2014.
public final class InputAmplitudes {
  /// r, [in]
  public let logits: Tensor

  public init(_ name: String, inputs: Int, from source: ParameterSource) throws {
    logits = try source.parameter("\(name).amplitude", [inputs], .amplitude, .constant(0))
  }

  /// [in]
  var values: Tensor { logits.activated(.sigmoid).scaled(by: 2) }

  func fold(into weight: Tensor) {
    let scaled = weight.scaledColumns(by: values)
    weight.pointer.update(from: scaled.pointer, count: weight.count)
    weight.didChange()
  }
}
