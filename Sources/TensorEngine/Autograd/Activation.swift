import CKernels

/// Functions applied to each element.
public enum Activation: String, Sendable, Codable {
  case relu
  /// x · σ(x), also called swish.
  case silu
  /// x · Φ(x), exact.
  case gelu
  /// GELU by its tanh approximation.
  case geluTanh = "gelu_pytorch_tanh"
  case sigmoid
  case tanh
  /// Between 0 and 20: Deep Speech's.
  case clippedReLU = "relu_20"

  fileprivate var kernel: ck_activation {
    switch self {
    case .relu: CK_RELU
    case .silu: CK_SILU
    case .gelu: CK_GELU
    case .geluTanh: CK_GELU_TANH
    case .sigmoid: CK_SIGMOID
    case .tanh: CK_TANH
    case .clippedReLU: CK_CLIPPED_RELU
    }
  }
}

extension Tensor {
  /// The function of each element, in float32.
  public func activated(_ function: Activation) -> Tensor {
    activated(function, dropout: 0, seed: 0, result: .float32)
  }

  /// The same held in the pass's precision, through a dropout of `rate` when training.
  public func activated(_ function: Activation, dropout rate: Float = 0, _ pass: Pass) -> Tensor {
    precondition(rate >= 0 && rate < 1, "a dropout rate lies in 0 ..< 1, not \(rate)")
    let drops = pass.training && rate > 0
    return activated(
      function, dropout: drops ? rate : 0, seed: drops ? pass.nextSeed() : 0,
      result: pass.precision)
  }

  private func activated(
    _ function: Activation, dropout rate: Float, seed: UInt64, result precision: Precision
  ) -> Tensor {
    let result = Tensor(uninitialised: shape, precision)
    ck_activation_forward(
      function.kernel, held.pointer, held.type, rate, seed, result.held.pointer, result.held.type,
      count)
    return result.from("activation", [self]) { gradient in
      let share = Tensor(uninitialised: self.shape, self.slot.precision)
      ck_activation_backward(
        function.kernel, self.held.pointer, self.held.type, gradient.held.pointer,
        gradient.held.type, rate, seed, share.held.pointer, share.held.type, share.count)
      self.accumulate(share)
    }
  }

  /// The gated linear unit: the first half of the columns times σ of the second half, in float32.
  ///
  /// [rows, 2 · columns] to [rows, columns]. Dauphin et al. 2017.
  public func gatedLinearUnit() -> Tensor {
    precondition(columns % 2 == 0, "a gated linear unit halves its columns, \(columns) is odd")
    let half = columns / 2
    let result = Tensor(uninitialised: shape.dropLast() + [half])
    ck_glu_forward(held.pointer, held.type, result.held.pointer, result.held.type, rows, half)
    return result.from("glu", [self]) { gradient in
      let share = Tensor(uninitialised: self.shape, self.slot.precision)
      ck_glu_backward(
        self.held.pointer, self.held.type, gradient.held.pointer, gradient.held.type,
        share.held.pointer, share.held.type, self.rows, half)
      self.accumulate(share)
    }
  }

  /// Zeroes each element with probability `rate` and scales the rest by 1 / (1 − rate), when training.
  public func dropout(_ rate: Float, _ pass: Pass) -> Tensor {
    precondition(rate >= 0 && rate < 1, "a dropout rate lies in 0 ..< 1, not \(rate)")
    guard pass.training, rate > 0 else { return self }
    let seed = pass.nextSeed()
    let result = Tensor(uninitialised: shape)
    ck_dropout(pointer, result.pointer, count, rate, seed)
    return result.from("dropout", [self]) { [slot] gradient in
      let share = Tensor(uninitialised: slot.shape)
      ck_dropout(gradient.pointer, share.pointer, share.count, rate, seed)
      slot.accumulate(share)
    }
  }
}
