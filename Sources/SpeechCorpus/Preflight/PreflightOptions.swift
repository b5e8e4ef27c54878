/// When the pre-flight check speaks up.
public struct PreflightOptions: Sendable, Codable, Hashable {
  /// The network's sample rate, in Hz.
  public var sampleRate = 16_000
  /// Whether an utterance without a text is unusable.
  public var requiresText = true
  /// A character that stands in the corpus fewer times is rare: hard to learn.
  public var rareBelow = 10
  /// Less audio for each label than this, in milliseconds, is a doubt about the transcript.
  public var shortestMillisecondsPerLabel = 25.0
  /// So many deviations from the corpus's median, in the logarithm of time for a label, are a doubt.
  public var outlierDeviations = 6.0
  /// Peaks below this are silence.
  public var silencePeak: Float = 0.0005
  /// More than this share of samples at full scale is clipping.
  public var clippedShare = 0.001
  /// A difference from the manifest's duration that is worth a word: this share, and 0.1 s.
  public var durationTolerance = 0.05
  /// A recording shorter than the manifest says by this share has lost its end.
  public var truncatedShare = 0.2
  /// Sound that ends below this share of half the sample rate is narrow-band.
  public var narrowShare = 0.6
  /// More than this share of characters without a label makes a text useless.
  public var foreignShare = 0.2
  /// A longer recording, in seconds, cannot be trained on: attention's memory grows with its square.
  public var longestSeconds = 60.0

  public init() {}
}
