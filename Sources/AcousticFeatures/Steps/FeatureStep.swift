import Basics

/// What may follow a front end, frame by frame or over a recording.
public enum FeatureStep: Sendable, Codable, Hashable {
  /// Each bin gets mean 0 and deviation 1 over the valid frames.
  case standardise(Standardisation)
  /// (v − mean) · scale of each bin, from statistics of a corpus.
  case affine(means: [Float], scales: [Float])
  case slidingNormalisation(SlidingNormalisation)
  case deltas(Deltas)
  /// Every frame among those beside it, zeros beyond the ends: `[(before + 1 + after) · bins]`.
  case context(before: Int, after: Int)
  /// So many frames to one, which the next begins `stride` frames after. A last one that is not full is filled
  /// with `fill`, or left out where that is nil.
  case stack(frames: Int, stride: Int, fill: Float?)

  enum CodingKeys: String, CodingKey, CaseIterable {
    case standardise, affine, slidingNormalisation, deltas, context, stack
  }

  /// The numbers in a frame that comes out.
  func bins(_ bins: Int) -> Int {
    switch self {
    case .standardise, .affine, .slidingNormalisation: bins
    case .deltas(let deltas): deltas.bins(bins)
    case .context(let before, let after): bins * (before + 1 + after)
    case .stack(let frames, _, _): bins * frames
    }
  }

  /// The frames that come out.
  func frames(_ count: Int) -> Int {
    guard case .stack(let frames, let stride, let fill) = self else { return count }
    guard count > 0 else { return 0 }
    guard fill != nil else { return valid(count) }
    // As many as it takes to hold every frame, but none that would hold only what fills it.
    return min(1 + max(0, count - frames + stride - 1) / stride, 1 + (count - 1) / stride)
  }

  /// The fewest frames that it can be made of.
  var fewestFrames: Int {
    switch self {
    case .standardise(let standardisation): standardisation.fewestFrames
    case .deltas(let deltas): deltas.fewestFrames
    default: 1
    }
  }

  /// How many of the frames that come out are made of whole ones.
  func valid(_ count: Int) -> Int {
    guard case .stack(let frames, let stride, _) = self else { return frames(count) }
    return count < frames ? 0 : 1 + (count - frames) / stride
  }

  /// Frames before and after one that it depends on; nil where it needs all of a recording.
  var reach: (before: Int, after: Int)? {
    switch self {
    case .standardise: nil
    case .affine: (0, 0)
    case .slidingNormalisation(let sliding): sliding.reach
    case .deltas(let deltas): deltas.reach
    case .context(let before, let after): (before, after)
    case .stack(let frames, _, _): (0, frames - 1)
    }
  }

  /// Input frames from one output frame to the next: 1, or more where frames are stacked.
  var stride: Int { if case .stack(_, let stride, _) = self { stride } else { 1 } }

  func validate(bins: Int) throws {
    func require(_ holds: Bool, _ what: String) throws {
      guard holds else { throw IdiolectError(.invalidArgument, "feature step: \(what)") }
    }
    switch self {
    case .standardise(let standardisation):
      let offset =
        switch standardisation.guarded {
        case .deviation(let value), .variance(let value): value
        }
      try require(
        (1e-30...1e6).contains(offset),
        "a guard of \(offset) under a deviation, must be 1e-30 to 1e6"
      )
    case .affine(let means, let scales):
      try require(
        (means + scales).allSatisfy { abs($0) < 1e30 }, "means or scales are no numbers to use")
      try require(
        means.count == bins && scales.count == bins,
        "\(means.count) means and \(scales.count) scales for \(bins) bins")
    case .slidingNormalisation(let sliding):
      try require(
        sliding.window >= 1 && sliding.minimum >= 1 && sliding.window <= 100_000,
        "a sliding window of \(sliding.window) frames, must be 1 to 100000")
      try require(
        sliding.isCentred || sliding.minimum <= sliding.window,
        "a sliding window of \(sliding.window) frames that waits for \(sliding.minimum), must be as long at least"
      )
    case .deltas(let deltas):
      try require(
        (1...100).contains(deltas.reachOfOne) && (1...4).contains(deltas.order)
          && (deltas.convention != .polynomial || deltas.order <= 2 * deltas.reachOfOne),
        "deltas over \(deltas.reachOfOne) frames of order \(deltas.order)")
    case .context(let before, let after):
      try require(
        (0...100).contains(before) && (0...100).contains(after),
        "a context of \(before) and \(after) frames, must be 0 to 100")
    case .stack(let frames, let stride, let fill):
      try require(abs(fill ?? 0) < 1e30, "stacks are filled with \(fill ?? 0)")
      try require(
        (1...100).contains(frames) && (1...100).contains(stride),
        "stacks of \(frames) frames every \(stride), must be 1 to 100")
    }
  }

  /// The step over a recording, whose frames are all valid.
  ///
  /// Of a stretch of one, what lies more than `reach` from the ends is as it would be in the whole.
  func apply(_ matrix: FrameMatrix) throws -> FrameMatrix {
    switch self {
    case .standardise(let standardisation): return standardisation.apply(matrix)
    case .affine(let means, let scales):
      var result = matrix
      for frame in 0..<matrix.frames {
        for bin in 0..<matrix.bins {
          result[frame, bin] = (matrix[frame, bin] - means[bin]) * scales[bin]
        }
      }
      return result
    case .slidingNormalisation(let sliding): return sliding.apply(matrix)
    case .deltas(let deltas): return try deltas.apply(matrix)
    case .context(let before, let after):
      var result = FrameMatrix(frames: matrix.frames, bins: bins(matrix.bins))
      for frame in 0..<matrix.frames {
        for offset in -before...after where (0..<matrix.frames).contains(frame + offset) {
          result.set(frame, at: (offset + before) * matrix.bins, matrix.row(frame + offset))
        }
      }
      return result
    case .stack(let size, let stride, let fill):
      var result = FrameMatrix(frames: frames(matrix.frames), bins: bins(matrix.bins))
      for frame in 0..<result.frames {
        for part in 0..<size {
          let source = frame * stride + part
          let row =
            source < matrix.frames
            ? matrix.row(source) : ArraySlice(repeating: fill ?? 0, count: matrix.bins)
          result.set(frame, at: part * matrix.bins, row)
        }
      }
      return result
    }
  }
}

/// `[frames, bins]`, row-major.
struct FrameMatrix: Sendable {
  private(set) var frames: Int
  let bins: Int
  private(set) var values: [Float]

  init(frames: Int, bins: Int, values: [Float]? = nil) {
    precondition(values.map { $0.count == frames * bins } ?? true, "\(frames) · \(bins)")
    (self.frames, self.bins) = (frames, bins)
    self.values = values ?? [Float](repeating: 0, count: frames * bins)
  }

  subscript(frame: Int, bin: Int) -> Float {
    get { values[frame &* bins &+ bin] }
    set { values[frame &* bins &+ bin] = newValue }
  }

  func row(_ frame: Int) -> ArraySlice<Float> { values[frame * bins..<(frame + 1) * bins] }

  mutating func set(_ frame: Int, at bin: Int, _ part: some Collection<Float>) {
    let start = frame * bins + bin
    values.replaceSubrange(start..<start + part.count, with: part)
  }

  mutating func append(_ rows: some Collection<Float>) {
    values += rows
    frames = bins == 0 ? frames : values.count / bins
  }

  mutating func removeFirst(_ count: Int) {
    values.removeFirst(count * bins)
    frames -= count
  }
}
