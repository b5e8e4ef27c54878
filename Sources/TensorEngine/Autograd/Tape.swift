import Basics

/// The operations of a forward pass in order, and the walk back over them.
///
/// While one is recording, each operation on a tensor that requires a gradient notes its backward rule.
/// `backward` then visits them last to first: a loop, so a graph may be as deep as an utterance is long.
public final class Tape {
  private struct Entry {
    let operation: StaticString
    let output: GradientSlot
    let rule: (Tensor) -> Void
  }

  private var entries: [Entry] = []

  // Read and written on the engine thread only; `recording` checks that.
  nonisolated(unsafe) package private(set) static var current: Tape?

  public init() {}

  /// Runs `body` with this tape recording.
  public func recording<Result>(_ body: () throws -> Result) rethrows -> Result {
    precondition(
      EngineThread.isCurrent, "tapes record on the engine thread: wrap the call in onEngine")
    let outer = Tape.current
    Tape.current = self
    defer { Tape.current = outer }
    return try body()
  }

  /// Adds the gradient of `result` to every leaf that requires one, and forgets the recording.
  ///
  /// - Parameter gradient: the gradient of the result, of its shape; 1 for a scalar.
  public func backward(from result: Tensor, gradient: Tensor? = nil) {
    precondition(Tape.current == nil, "a tape cannot walk back while it records")
    let start = gradient ?? Tensor(repeating: 1, shape: result.shape)
    precondition(
      start.shape == result.shape, "gradient \(start.shape) for a result \(result.shape)")
    precondition(
      EngineThread.isCurrent, "tapes walk on the engine thread: wrap the call in onEngine")
    result.accumulate(start)
    while let entry = entries.popLast() {
      guard let gradient = entry.output.gradient else { continue }
      entry.output.gradient = nil
      entry.rule(gradient)
    }
  }

  package static func note(
    _ operation: StaticString, _ output: Tensor, from inputs: [Tensor],
    rule: @escaping (Tensor) -> Void
  ) {
    guard let tape = current, inputs.contains(where: \.requiresGradient) else { return }
    output.requiresGradient = true
    tape.entries.append(Entry(operation: operation, output: output.slot, rule: rule))
  }
}

extension Tensor {
  /// Notes that this came from `inputs`: `rule` gets its gradient and adds to theirs.
  package func from(
    _ operation: StaticString, _ inputs: [Tensor], rule: @escaping (Tensor) -> Void
  ) -> Tensor {
    Tape.note(operation, self, from: inputs, rule: rule)
    return self
  }

  /// Adds `share` to the gradient; see `GradientSlot`.
  package func accumulate(_ share: Tensor) { slot.accumulate(share) }

  /// Lets `write` make a share of the gradient in place; see `GradientSlot`.
  package func accumulate(_ write: (_ target: UnsafeMutablePointer<Float>, _ adding: Bool) -> Void)
  {
    slot.accumulate(write)
  }
}
