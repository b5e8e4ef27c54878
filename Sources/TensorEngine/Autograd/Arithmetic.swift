import CKernels

extension Tensor {
  /// self + scale · other, of the same shape.
  public func adding(_ other: Tensor, scaledBy scale: Float = 1) -> Tensor {
    precondition(shape == other.shape, "cannot add \(other.shape) to \(shape)")
    let result = Tensor(uninitialised: shape)
    ck_add_scaled(pointer, other.pointer, scale, result.pointer, count)
    return result.from("add", [self, other]) { [slot, added = other.slot] gradient in
      slot.accumulate(gradient)
      if scale == 1 {
        added.accumulate(gradient)
      } else if added.isRequired {
        let share = Tensor(uninitialised: gradient.shape)
        ck_scale_into(gradient.pointer, scale, share.pointer, share.count)
        added.accumulate(share)
      }
    }
  }

  /// self + scale · branch, the branch through a dropout of `rate` when training: a residual connection.
  public func adding(
    _ branch: Tensor, scaledBy scale: Float = 1, dropout rate: Float, _ pass: Pass
  ) -> Tensor {
    precondition(shape == branch.shape, "cannot add \(branch.shape) to \(shape)")
    precondition(rate >= 0 && rate < 1, "a dropout rate lies in 0 ..< 1, not \(rate)")
    let rate = pass.training ? rate : 0
    let seed = rate > 0 ? pass.nextSeed() : 0
    let result = Tensor(uninitialised: shape)
    ck_add_branch(
      pointer, branch.held.pointer, branch.held.type, scale, rate, seed, result.pointer, count)
    return result.from("add branch", [self, branch]) { [slot, branch = branch.slot] gradient in
      slot.accumulate(gradient)
      guard branch.isRequired else { return }
      let share = Tensor(uninitialised: branch.shape, branch.precision)
      ck_add_branch_backward(
        gradient.pointer, scale, rate, seed, share.held.pointer, share.held.type, share.count)
      branch.accumulate(share)
    }
  }

  /// factor · self
  public func scaled(by factor: Float) -> Tensor {
    if factor == 1 { return self }
    let result = Tensor(uninitialised: shape)
    ck_scale_into(pointer, factor, result.pointer, count)
    return result.from("scale", [self]) { [slot] gradient in
      let share = Tensor(uninitialised: gradient.shape)
      ck_scale_into(gradient.pointer, factor, share.pointer, share.count)
      slot.accumulate(share)
    }
  }

  /// self · other, element by element, of the same shape.
  public func multiplied(by other: Tensor) -> Tensor {
    precondition(shape == other.shape, "cannot multiply \(shape) by \(other.shape)")
    let result = Tensor(uninitialised: shape)
    ck_multiply(pointer, other.pointer, result.pointer, count)
    return result.from("multiply", [self, other]) { gradient in
      for (target, factor) in [(self, other), (other, self)] where target.requiresGradient {
        let share = Tensor(uninitialised: gradient.shape)
        ck_multiply(gradient.pointer, factor.pointer, share.pointer, share.count)
        target.accumulate(share)
      }
    }
  }

  /// Each column times its factor: [rows, columns …] by [columns …], whatever shape the columns have.
  public func scaledColumns(by factors: Tensor) -> Tensor {
    let columns = factors.count
    precondition(
      columns > 0 && count % columns == 0, "\(columns) factors for the columns of \(shape)")
    let rows = count / columns
    let result = Tensor(uninitialised: shape)
    for row in 0..<rows {
      ck_multiply(
        pointer + row * columns, factors.pointer, result.pointer + row * columns, columns)
    }
    return result.from("scale columns", [self, factors]) { gradient in
      if self.requiresGradient {
        let share = Tensor(uninitialised: self.shape)
        for row in 0..<rows {
          ck_multiply(
            gradient.pointer + row * columns, factors.pointer, share.pointer + row * columns,
            columns)
        }
        self.accumulate(share)
      }
      guard factors.requiresGradient else { return }
      let share = Tensor(repeating: 0, shape: factors.shape)
      let (into, by, values) = (share.pointer, gradient.pointer, self.pointer)
      for index in 0..<self.count { into[index % columns] += by[index] * values[index] }
      factors.accumulate(share)
    }
  }

  /// The sum of all elements, a scalar.
  public func sum() -> Tensor {
    let result = Tensor([Float(ck_sum(pointer, count))], shape: [])
    return result.from("sum", [self]) { [slot] gradient in
      slot.accumulate(Tensor(repeating: gradient.scalar, shape: slot.shape))
    }
  }

  /// The mean of all elements, a scalar.
  public func mean() -> Tensor { sum().scaled(by: 1 / Float(max(1, count))) }

  /// The same elements under another shape.
  public func reshaped(_ shape: [Int]) -> Tensor {
    view(shape).from("reshape", [self]) { [slot] in slot.accumulate($0.view(slot.shape)) }
  }

  /// [a, b, c] as [a, c, b].
  public func transposedLast() -> Tensor {
    precondition(shape.count == 3, "transposedLast wants three dimensions, got \(shape)")
    let (a, b, c) = (shape[0], shape[1], shape[2])
    let result = Tensor(uninitialised: [a, c, b])
    ck_transpose_last(pointer, result.pointer, a, b, c)
    return result.from("transpose", [self]) { [slot] gradient in
      let share = Tensor(uninitialised: slot.shape)
      ck_transpose_last(gradient.pointer, share.pointer, a, c, b)
      slot.accumulate(share)
    }
  }
}
