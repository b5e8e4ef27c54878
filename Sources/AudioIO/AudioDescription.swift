/// What a file's header says about its sound.
public struct AudioDescription: Sendable, Hashable {
  public var path: String
  /// Samples a second and channel, in Hz.
  public var sampleRate: Int
  public var channels: Int
  /// Samples a channel, or nil where the file does not say (a streamed FLAC); MP3 files may only estimate it.
  public var frames: Int?
  /// The container, such as `WAV (Microsoft)`.
  public var container: String
  /// How the samples are stored, such as `Signed 16 bit PCM`.
  public var encoding: String

  /// The length in seconds, or nil where the file does not say.
  public var durationSeconds: Double? { frames.map { Double($0) / Double(sampleRate) } }
}
