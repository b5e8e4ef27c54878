/// One label with its place in time.
public struct DecodedLabel: Sendable, Hashable {
  /// Its index in the vocabulary.
  public var label: Int
  /// The first output frame that says it.
  public var startFrame: Int
  /// The output frame after the last that says it.
  public var endFrame: Int
  /// Mean over its frames of the softmax probability of the label, 0...1.
  public var confidence: Float

  public init(label: Int, startFrame: Int, endFrame: Int, confidence: Float) {
    self.label = label
    self.startFrame = startFrame
    self.endFrame = endFrame
    self.confidence = confidence
  }
}
