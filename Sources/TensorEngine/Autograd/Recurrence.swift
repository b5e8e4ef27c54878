import CKernels

/// The weights of one direction of a long short-term memory, gates in PyTorch's order: input, forget, cell,
/// output.
public struct LongShortTermMemoryWeights {
  /// [4 · hidden, in]
  public let input: Tensor
  /// [4 · hidden, hidden]
  public let recurrent: Tensor
  /// [4 · hidden] each, or nil.
  public let biases: (input: Tensor, recurrent: Tensor)?

  public init(input: Tensor, recurrent: Tensor, biases: (input: Tensor, recurrent: Tensor)?) {
    self.input = input
    self.recurrent = recurrent
    self.biases = biases
  }
}

/// What a long short-term memory begins each utterance with: PyTorch's h_0 and c_0.
public struct LongShortTermMemoryState {
  /// [directions, utterances, hidden] each; the backward direction begins at an utterance's last valid row.
  public let hidden: Tensor
  public let cells: Tensor

  public init(hidden: Tensor, cells: Tensor) {
    self.hidden = hidden
    self.cells = cells
  }
}

extension Tensor {
  /// A long short-term memory over packed utterances: [rows, in] to [rows, directions · hidden], held in the
  /// pass's precision. Rows that are not valid give 0.
  ///
  /// Hochreiter and Schmidhuber 1997, with forget gates; `torch.nn.LSTM` of packed sequences.
  ///
  /// - Parameters:
  ///   - directions: one, or forward and backward.
  ///   - initial: what utterances begin with; zeros when nil.
  public func lstm(
    _ directions: [LongShortTermMemoryWeights], _ segments: Segments,
    from initial: LongShortTermMemoryState? = nil, _ pass: Pass
  ) -> Tensor {
    let hidden = directions[0].recurrent.columns
    if let initial {
      let needed = [directions.count, segments.count, hidden]
      precondition(
        initial.hidden.shape == needed && initial.cells.shape == needed,
        "an LSTM of \(needed) cannot begin with \(initial.hidden.shape) and \(initial.cells.shape)")
    }
    precondition(
      (1...2).contains(directions.count) && rows == segments.rows
        && directions.allSatisfy {
          $0.recurrent.shape == [4 * hidden, hidden] && $0.input.shape == [4 * hidden, columns]
        }, "an LSTM of \(directions.map(\.input.shape)) cannot read \(shape)")
    let precision = pass.precision
    let input = kept(precision)
    let result = Tensor(uninitialised: [rows, directions.count * hidden], precision)
    let gates = directions.map { weights in
      let gates = Tensor(uninitialised: [rows, 4 * hidden])
      let bias = weights.biases.map { $0.input.adding($0.recurrent) }
      multiply(
        .plain(
          m: min(input.roomyRows, gates.roomyRows), n: 4 * hidden, k: columns, transposeB: true,
          precision: precision, bias: bias != nil),
        input.held.pointer, weights.input.operand(precision),
        bias: bias.map { UnsafePointer($0.pointer) }, into: gates.pointer)
      return gates
    }
    let cells = directions.map { _ in Tensor(uninitialised: [rows, hidden]) }
    let memory = Memory(
      directions: directions, segments: segments, initial: initial, precision: precision,
      hidden: hidden)
    memory.forward(gates, cells, result)
    let parents =
      [self]
      + directions.flatMap { weights in
        [weights.input, weights.recurrent]
          + (weights.biases.map { [$0.input, $0.recurrent] } ?? [])
      } + (initial.map { [$0.hidden, $0.cells] } ?? [])
    return result.from("lstm", parents) { [slot] gradient in
      let shares = memory.backward(gates, cells, gradient)
      for (direction, share) in shares.enumerated() {
        memory.accumulate(share, of: direction, input: input, result: result)
        slot.addShare { target, adding in
          multiply(
            .plain(
              m: min(share.roomyRows, target.roomyRows), n: input.columns, k: 4 * hidden,
              precision: precision, output: target.held.type, accumulate: adding),
            share.held.pointer, directions[direction].input.operand(precision),
            into: target.held.pointer)
        }
      }
    }
  }
}

/// One call of the kernel.
private struct Memory {
  let directions: [LongShortTermMemoryWeights]
  let segments: Segments
  let initial: LongShortTermMemoryState?
  let precision: Precision
  let hidden: Int

  func forward(_ gates: [Tensor], _ cells: [Tensor], _ result: Tensor) {
    withKernel { kernel in
      ck_lstm_forward(
        &kernel, gates.map { $0.pointer }, cells.map { $0.pointer }, result.held.pointer)
    }
  }

  /// The gradients before the gates' functions, [rows, 4 · hidden] of each direction; adds those of the
  /// initial state.
  func backward(_ gates: [Tensor], _ cells: [Tensor], _ gradient: Tensor) -> [Tensor] {
    let shares = directions.map { _ in
      Tensor(uninitialised: [segments.rows, 4 * hidden], precision)
    }
    var start: LongShortTermMemoryState?
    if let initial, initial.hidden.requiresGradient || initial.cells.requiresGradient {
      start = LongShortTermMemoryState(
        hidden: Tensor(uninitialised: initial.hidden.shape),
        cells: Tensor(uninitialised: initial.cells.shape))
    }
    withKernel { kernel in
      ck_lstm_backward(
        &kernel, gates.map { UnsafePointer($0.pointer) }, cells.map { UnsafePointer($0.pointer) },
        gradient.held.pointer, gradient.held.type, shares.map { $0.held.pointer },
        start?.hidden.pointer, start?.cells.pointer)
    }
    if let initial, let start {
      initial.hidden.accumulate(start.hidden)
      initial.cells.accumulate(start.cells)
    }
    return shares
  }

  /// Adds the gradients of one direction's weights.
  func accumulate(_ share: Tensor, of direction: Int, input: Tensor, result: Tensor) {
    let weights = directions[direction]
    func add(to weight: Tensor, from operand: Tensor) {
      let terms = min(share.roomyRows, operand.roomyRows)
      share.clearSpareRows(to: terms)
      operand.clearSpareRows(to: terms)
      weight.accumulate { memory, adding in
        multiply(
          .plain(
            m: 4 * hidden, n: operand.columns, k: terms, transposeA: true, precision: precision,
            accumulate: adding),
          share.held.pointer, operand.held.pointer, into: memory)
      }
    }
    if weights.input.requiresGradient { add(to: weights.input, from: input) }
    if weights.recurrent.requiresGradient {
      let previous = Tensor(uninitialised: [segments.rows, hidden], precision)
      withKernel {
        ck_lstm_previous(&$0, result.held.pointer, direction, previous.held.pointer)
      }
      add(to: weights.recurrent, from: previous)
    }
    for bias in weights.biases.map({ [$0.input, $0.recurrent] }) ?? [] {
      bias.accumulate { memory, adding in
        ck_column_sum(
          share.held.pointer, share.held.type, memory, segments.rows, 4 * hidden, adding)
      }
    }
  }

  private func withKernel(_ body: (inout ck_lstm) -> Void) {
    segments.withKernel { segments in
      var kernel = ck_lstm()
      kernel.type = precision.type
      kernel.hidden = hidden
      kernel.directions = directions.count
      kernel.recurrent = (
        UnsafePointer(directions[0].recurrent.pointer),
        directions.count > 1 ? UnsafePointer(directions[1].recurrent.pointer) : nil
      )
      kernel.initial_hidden = initial.map { UnsafePointer($0.hidden.pointer) }
      kernel.initial_cells = initial.map { UnsafePointer($0.cells.pointer) }
      kernel.segments = segments
      body(&kernel)
    }
  }
}
