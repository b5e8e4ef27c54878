/// One label with its place in time.
package struct DecodedLabel: Sendable, Hashable {
  /// Its index in the vocabulary.
  package var label: Int
  /// The first output frame that says it.
  package var startFrame: Int
  /// The output frame after the last that says it.
  package var endFrame: Int
  /// Mean over its frames of the softmax probability of the label, 0...1.
  package var confidence: Float

  package init(label: Int, startFrame: Int, endFrame: Int, confidence: Float) {
    self.label = label
    self.startFrame = startFrame
    self.endFrame = endFrame
    self.confidence = confidence
  }
}
