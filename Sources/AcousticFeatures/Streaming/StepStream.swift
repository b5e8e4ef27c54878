/// A step over rows as they arrive.
struct StepStream {
  private let step: FeatureStep
  private let reach: (before: Int, after: Int)
  private var buffer: FrameMatrix
  /// The place of the buffer's first row in the recording.
  private var first = 0
  private var received = 0
  private var emitted = 0

  /// nil for a step that needs the whole recording.
  init?(_ step: FeatureStep, bins: Int) {
    guard let reach = step.reach else { return nil }
    (self.step, self.reach) = (step, reach)
    buffer = FrameMatrix(frames: 0, bins: bins)
  }

  /// The rows that are settled with these, or with no more of them.
  mutating func push(_ rows: [Float], isEnd: Bool) throws -> [Float] {
    buffer.append(rows)
    received = first + buffer.frames
    let ready: Int
    if case .stack = step {
      ready = isEnd ? step.frames(received) : step.valid(received)
    } else {
      ready = isEnd ? received : max(0, received - reach.after)
    }
    guard ready > emitted else { return [] }
    let made = try step.apply(buffer)
    let shift = first / step.stride
    let result = (emitted..<ready).flatMap { made.row($0 - shift) }
    emitted = ready
    // A multiple of the stride, so that stacks begin where they would in the whole.
    let needed = min(emitted * step.stride - reach.before, received)
    let spare = (needed - first) / step.stride * step.stride
    if spare > 0 {
      buffer.removeFirst(spare)
      first += spare
    }
    return result
  }
}
