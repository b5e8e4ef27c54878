/// The features of one recording.
public struct Features: Sendable, Hashable {
  public var frames: Int
  public var bins: Int
  /// The first frames, which carry sound; those after them are padding and hold 0.
  public var validFrames: Int
  /// `[frames, bins]`, row-major.
  public var values: [Float]

  public init(frames: Int, bins: Int, validFrames: Int, values: [Float]) {
    precondition(
      frames * bins == values.count, "[\(frames), \(bins)] against \(values.count) values")
    precondition((0...frames).contains(validFrames), "\(validFrames) valid of \(frames) frames")
    self.frames = frames
    self.bins = bins
    self.validFrames = validFrames
    self.values = values
  }
}
