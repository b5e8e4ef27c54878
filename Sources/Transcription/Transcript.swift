/// What was said in a recording, and when.
public struct Transcript: Sendable, Hashable {
  /// A stretch of text with its place in the recording.
  public struct Piece: Sendable, Hashable {
    public var text: String
    /// From the beginning of the recording, in seconds.
    public var startSeconds: Double
    public var endSeconds: Double
    /// How sure the network was, 0...1: of a token, the mean probability of its label over its frames;
    /// of a word, the mean over its tokens.
    public var confidence: Float

    public init(text: String, startSeconds: Double, endSeconds: Double, confidence: Float) {
      self.text = text
      self.startSeconds = startSeconds
      self.endSeconds = endSeconds
      self.confidence = confidence
    }
  }

  public var text: String
  /// One for each label that stands for text, spaces too. What joins two windows of a long recording is
  /// no token.
  public var tokens: [Piece]
  public var words: [Piece]
  /// Mean over the tokens, 0...1; 0 where nothing was said.
  public var confidence: Float
  /// The length of what was transcribed, in seconds.
  public var durationSeconds: Double

  public init(
    text: String, tokens: [Piece] = [], words: [Piece] = [], confidence: Float = 0,
    durationSeconds: Double = 0
  ) {
    self.text = text
    self.tokens = tokens
    self.words = words
    self.confidence = confidence
    self.durationSeconds = durationSeconds
  }
}
