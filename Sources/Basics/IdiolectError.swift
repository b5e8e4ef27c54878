/// What went wrong, in one line a person can act on.
///
/// The message names the file, the line or the utterance, the cause, and how to mend it. It is what
/// the program prints; no stack trace follows.
public struct IdiolectError: Error, Sendable, CustomStringConvertible {
  /// The kind of failure. New kinds may be added; compare, do not switch exhaustively.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    public let description: String
    /// The exit status of the program when this error ends it.
    public let exitCode: Int32

    package init(_ description: String, exitCode: Int32) {
      self.description = description
      self.exitCode = exitCode
    }

    /// An option or argument that makes no sense.
    public static let invalidArgument = Code("invalid argument", exitCode: 64)
    /// Audio that is not audio, is damaged, or cannot be used.
    public static let invalidAudio = Code("invalid audio", exitCode: 65)
    /// A manifest, transcript or other data file that cannot be used.
    public static let invalidData = Code("invalid data", exitCode: 65)
    /// A model directory with missing, extra or misshapen parts.
    public static let invalidModel = Code("invalid model", exitCode: 65)
    /// A file or directory that is not there.
    public static let notFound = Code("not found", exitCode: 66)
    /// Something that this build, library or processor lacks.
    public static let unsupported = Code("unsupported", exitCode: 69)
    /// A read or write that the system refused: full disk, permissions.
    public static let inputOutput = Code("input/output", exitCode: 74)
    /// A person asked to stop; what was done is saved.
    public static let interrupted = Code("interrupted", exitCode: 130)
  }

  public let code: Code
  /// What is wrong, where, and how to mend it.
  public let message: String
  /// The error beneath this one, if there is one.
  public let cause: (any Error)?

  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  public var description: String { message }
}
