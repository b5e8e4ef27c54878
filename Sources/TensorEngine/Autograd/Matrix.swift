package import CKernels

/// One matrix product over raw operands.
package func multiply(
  _ shape: ck_matmul_shape, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
  bias: UnsafePointer<Float>? = nil, into c: UnsafeMutableRawPointer
) {
  var shape = shape
  let done = ck_matmul(&shape, a, b, bias, c)
  precondition(done, "\(String(cString: ck_last_error())), \(shape)")
}

extension ck_matmul_shape {
  /// c[m, n] = a[m, k] · b[k, n], where an operand may be stored transposed.
  package static func plain(
    m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false,
    precision: Precision, output: ck_type = CK_FLOAT32, accumulate: Bool = false,
    bias: Bool = false
  ) -> ck_matmul_shape {
    batched(
      1, m: m, n: n, k: k,
      a: (0, transposeA ? 1 : k, transposeA ? m : 1),
      b: (0, transposeB ? 1 : n, transposeB ? k : 1), c: (0, n),
      precision: precision, output: output, accumulate: accumulate, bias: bias)
  }

  /// `batch` products; strides in elements as (batch, row, column), and (batch, row) for c.
  package static func batched(
    _ batch: Int, m: Int, n: Int, k: Int, a: (Int, Int, Int), b: (Int, Int, Int), c: (Int, Int),
    precision: Precision, output: ck_type = CK_FLOAT32, accumulate: Bool = false, bias: Bool = false
  ) -> ck_matmul_shape {
    ck_matmul_shape(
      batch: Int64(batch), m: Int64(m), n: Int64(n), k: Int64(k),
      a_batch: Int64(a.0), a_row: Int64(a.1), a_column: Int64(a.2),
      b_batch: Int64(b.0), b_row: Int64(b.1), b_column: Int64(b.2),
      c_batch: Int64(c.0), c_row: Int64(c.1),
      a_type: precision.type, b_type: precision.type, c_type: output,
      accumulate: accumulate, has_bias: bias)
  }
}

extension Tensor {
  /// self · weightᵀ + bias: [rows, in], [out, in], [out] to [rows, out].
  ///
  /// - Parameter result: what the result is held in; the pass's precision when nil.
  public func linear(
    _ weight: Tensor, bias: Tensor? = nil, result held: Precision? = nil, _ pass: Pass
  ) -> Tensor {
    let (rows, inputs) = (rows, columns)
    let outputs = weight.shape[0]
    precondition(
      weight.count == outputs * inputs && bias.map { $0.count == outputs } ?? true,
      "a weight of \(weight.shape) and a bias of \(bias?.shape ?? []) cannot map \(shape)")
    let precision = pass.precision
    let result = Tensor(uninitialised: shape.dropLast() + [outputs], held ?? precision)
    if pass.quantises, Tape.current == nil {
      let done = ck_int8_linear(
        weight.quantised, self.held.pointer, self.held.type, Int64(rows),
        bias.map { UnsafePointer($0.pointer) }, result.held.pointer, result.held.type)
      precondition(done, "\(String(cString: ck_last_error())), \(shape) by \(weight.shape)")
      return result
    }
    let input = kept(precision)
    multiply(
      .plain(
        m: min(input.roomyRows, result.roomyRows), n: outputs, k: inputs, transposeB: true,
        precision: precision, output: result.held.type, bias: bias != nil),
      input.held.pointer, weight.operand(precision),
      bias: bias.map { UnsafePointer($0.pointer) }, into: result.held.pointer)
    let parents = [self, weight] + (bias.map { [$0] } ?? [])
    // Only the operand is kept for the way back, and only for a weight that learns: in bfloat16 the
    // float32 input may be freed, and before a frozen layer all of it.
    let operand = weight.requiresGradient ? input : nil
    return result.from("linear", parents) { [slot] gradient in
      let gradient = gradient.kept(precision)
      if let operand {
        let terms = min(gradient.roomyRows, operand.roomyRows)
        gradient.clearSpareRows(to: terms)
        operand.clearSpareRows(to: terms)
        weight.accumulate { memory, adding in
          multiply(
            .plain(
              m: outputs, n: inputs, k: terms, transposeA: true, precision: precision,
              accumulate: adding),
            gradient.held.pointer, operand.held.pointer, into: memory)
        }
      }
      bias?.accumulate { memory, adding in
        ck_column_sum(
          gradient.held.pointer, gradient.held.type, memory, rows, outputs, adding)
      }
      slot.addShare { target, adding in
        multiply(
          .plain(
            m: min(gradient.roomyRows, target.roomyRows), n: inputs, k: outputs,
            precision: precision, output: target.held.type, accumulate: adding),
          gradient.held.pointer, weight.operand(precision), into: target.held.pointer)
      }
    }
  }

  /// The product of two batches of matrices: [batch, m, k], [batch, k, n] to [batch, m, n].
  public func matmul(_ other: Tensor, _ pass: Pass) -> Tensor {
    precondition(
      shape.count == 3 && other.shape.count == 3 && shape[0] == other.shape[0]
        && shape[2] == other.shape[1], "cannot multiply \(shape) by \(other.shape)")
    let (batch, m, k, n) = (shape[0], shape[1], shape[2], other.shape[2])
    let precision = pass.precision
    let result = Tensor(uninitialised: [batch, m, n])
    multiply(
      .batched(
        batch, m: m, n: n, k: k, a: (m * k, k, 1), b: (k * n, n, 1), c: (m * n, n),
        precision: precision),
      operand(precision), other.operand(precision), into: result.pointer)
    return result.from("matmul", [self, other]) { gradient in
      self.accumulate { memory, adding in
        multiply(
          .batched(
            batch, m: m, n: k, k: n, a: (m * n, n, 1), b: (k * n, 1, n), c: (m * k, k),
            precision: precision, accumulate: adding),
          gradient.operand(precision), other.operand(precision), into: memory)
      }
      other.accumulate { memory, adding in
        multiply(
          .batched(
            batch, m: k, n: n, k: m, a: (m * k, 1, k), b: (m * n, n, 1), c: (k * n, n),
            precision: precision, accumulate: adding),
          self.operand(precision), gradient.operand(precision), into: memory)
      }
    }
  }
}
