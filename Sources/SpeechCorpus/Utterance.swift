/// One stretch of speech and what was said in it.
public struct Utterance: Sendable, Hashable, Identifiable {
  /// Names the utterance in reports and outputs: what the manifest says, else the audio path as the manifest has it,
  /// with its offset if any. Unique within one manifest.
  public var id: String
  /// Where the recording is: absolute, or relative to the working directory.
  public var audioPath: String
  /// As written, before normalisation; empty where there is no transcript.
  public var text: String
  /// Seconds; nil where the manifest does not say (the recording to its end).
  public var durationSeconds: Double?
  /// Where it begins in the recording, in seconds.
  public var offsetSeconds: Double
  public var speaker: String?
  public var accent: String?
  public var language: String?
  /// The line of its manifest, from 1; 0 where there is none.
  public var line: Int
  /// Of its samples, where a pre-flight has decoded them: copies of a recording share it.
  package var fingerprint: UInt64?

  public init(
    id: String, audioPath: String, text: String, durationSeconds: Double? = nil,
    offsetSeconds: Double = 0, speaker: String? = nil, accent: String? = nil,
    language: String? = nil, line: Int = 0
  ) {
    self.id = id
    self.audioPath = audioPath
    self.text = text
    self.durationSeconds = durationSeconds
    self.offsetSeconds = offsetSeconds
    self.speaker = speaker
    self.accent = accent
    self.language = language
    self.line = line
  }
}
