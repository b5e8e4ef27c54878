import CKernels

extension Tensor {
  /// Each row to mean 0 and variance 1, times `gain` plus `bias`, both [columns].
  ///
  /// Ba, Kiros and Hinton 2016.
  ///
  /// - Parameter result: what the result is held in; its gradient is float32.
  public func layerNorm(
    gain: Tensor, bias: Tensor, epsilon: Float = 1e-5, result precision: Precision = .float32
  ) -> Tensor {
    let (rows, columns) = (rows, columns)
    precondition(
      gain.count == columns && bias.count == columns,
      "a layer norm of \(gain.shape) and \(bias.shape) for \(shape)")
    let result = Tensor(uninitialised: shape, precision)
    // Several products may read it, and the sum of their gradients must not be rounded.
    result.slot.precision = .float32
    let mean = Tensor(uninitialised: [rows])
    let scale = Tensor(uninitialised: [rows])
    ck_layer_norm_forward(
      pointer, gain.pointer, bias.pointer, epsilon, result.held.pointer, result.held.type,
      mean.pointer, scale.pointer, rows, columns)
    return result.from("layer norm", [self, gain, bias]) { [slot] gradient in
      let learns = gain.requiresGradient || bias.requiresGradient
      let blocks = ck_layer_norm_blocks(rows)
      let shares = learns ? Tensor(uninitialised: [blocks, 2 * columns]) : nil
      func backward(_ target: UnsafeMutablePointer<Float>?, _ adding: Bool) {
        ck_layer_norm_backward(
          self.pointer, gradient.pointer, gain.pointer, mean.pointer, scale.pointer, target, adding,
          shares?.pointer, rows, columns)
      }
      if slot.isRequired { slot.accumulate(backward) } else { backward(nil, false) }
      guard let shares else { return }
      let sums = Tensor(uninitialised: [2, columns])
      ck_column_sum(
        shares.pointer, CK_FLOAT32, sums.pointer, blocks, 2 * columns, false)
      gain.accumulate(Tensor(Array(sums.values[..<columns]), shape: [columns]))
      bias.accumulate(Tensor(Array(sums.values[columns...]), shape: [columns]))
    }
  }

  /// Each column by the given statistics: (x − mean) / √(variance + ε) · gain + bias, all [columns].
  package func batchNorm(
    gain: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: Float
  ) -> Tensor {
    let (rows, columns) = (rows, columns)
    let inverse = variance.values.map { 1 / ($0 + epsilon).squareRoot() }
    let (gains, biases, means) = (gain.values, bias.values, mean.values)
    let scale = Tensor((0..<columns).map { gains[$0] * inverse[$0] }, shape: [columns])
    let shift = Tensor(
      (0..<columns).map { biases[$0] - means[$0] * gains[$0] * inverse[$0] }, shape: [columns])
    let result = Tensor(uninitialised: shape)
    ck_column_affine(pointer, scale.pointer, shift.pointer, result.pointer, rows, columns)
    let kept = gain.requiresGradient || bias.requiresGradient ? self : nil
    return result.from("batch norm", [self, gain, bias]) { [slot] gradient in
      if let kept {
        let (dbias, dgain) = kept.columnProducts(gradient, mean: mean)
        for j in 0..<columns { dgain.pointer[j] *= inverse[j] }
        gain.accumulate(dgain)
        bias.accumulate(dbias)
      }
      if slot.isRequired {
        let share = Tensor(uninitialised: slot.shape)
        let zero = Tensor(repeating: 0, shape: [columns])
        ck_column_affine(
          gradient.pointer, scale.pointer, zero.pointer, share.pointer, rows, columns)
        slot.accumulate(share)
      }
    }
  }

  /// Each column by its own mean and variance over the rows that `use` marks (all when nil).
  ///
  /// Returns the result, and the mean and biased variance with the number of rows they come from.
  /// Ioffe and Szegedy 2015.
  package func batchNormLive(gain: Tensor, bias: Tensor, epsilon: Float, use: [UInt8]?)
    -> (result: Tensor, mean: Tensor, variance: Tensor, rows: Int)
  {
    let (rows, columns) = (rows, columns)
    let mean = Tensor(uninitialised: [columns])
    let variance = Tensor(uninitialised: [columns])
    let used = use.withPointer {
      ck_column_moments(pointer, $0, mean.pointer, variance.pointer, rows, columns)
    }
    let inverse = variance.values.map { 1 / ($0 + epsilon).squareRoot() }
    let (gains, biases, means) = (gain.values, bias.values, mean.values)
    let scale = (0..<columns).map { gains[$0] * inverse[$0] }
    let shift = (0..<columns).map { biases[$0] - means[$0] * scale[$0] }
    let result = Tensor(uninitialised: shape)
    ck_column_affine(pointer, scale, shift, result.pointer, rows, columns)
    let recorded = result.from("batch norm", [self, gain, bias]) { gradient in
      let (sum, product) = self.columnProducts(gradient, mean: mean)
      let count = Float(max(1, used))
      let (sums, products) = (sum.values, product.values)
      if self.requiresGradient {
        let second = (0..<columns).map {
          -scale[$0] * inverse[$0] * inverse[$0] * products[$0] / count
        }
        let third = (0..<columns).map { -scale[$0] * sums[$0] / count }
        let share = Tensor(uninitialised: self.shape)
        use.withPointer {
          ck_column_norm_backward(
            self.pointer, gradient.pointer, mean.pointer, $0, scale, second, third, share.pointer,
            rows, columns)
        }
        self.accumulate(share)
      }
      gain.accumulate(Tensor((0..<columns).map { products[$0] * inverse[$0] }, shape: gain.shape))
      bias.accumulate(Tensor(sums, shape: bias.shape))
    }
    return (recorded, mean, variance, used)
  }

  /// Σ gradient and Σ gradient · (x − mean), by column.
  private func columnProducts(_ gradient: Tensor, mean: Tensor) -> (Tensor, Tensor) {
    let sum = Tensor(uninitialised: [columns])
    let product = Tensor(uninitialised: [columns])
    ck_column_products(
      pointer, gradient.pointer, mean.pointer, sum.pointer, product.pointer, rows, columns)
    return (sum, product)
  }

  /// Softmax over the last dimension, or its logarithm.
  public func softmax(logarithm: Bool = false) -> Tensor {
    let result = Tensor(uninitialised: shape)
    ck_softmax_forward(pointer, result.pointer, rows, columns, logarithm)
    return result.from("softmax", [self]) { [slot, kept = result] gradient in
      let share = Tensor(uninitialised: slot.shape)
      ck_softmax_backward(
        kept.pointer, gradient.pointer, share.pointer, kept.rows, kept.columns, logarithm)
      slot.accumulate(share)
    }
  }
}

extension [UInt8]? {
  fileprivate func withPointer<Result>(_ body: (UnsafePointer<UInt8>?) -> Result) -> Result {
    guard let self else { return body(nil) }
    return self.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}
