import AcousticFeatures
public import AcousticModels
public import Basics
import CKernels
public import SpeechCorpus
public import TensorEngine

/// From recordings to transcripts, with one model.
///
///     let transcriber = Transcriber(model: try AcousticModel(directory: "Models/english-small"))
///     print(try transcriber.transcribe(path: "hello.flac").text)
///
/// Long recordings are read and transcribed window by window, and several recordings share a batch; an
/// hour of audio never sits whole in memory. One transcriber belongs to one thread at a time.
public final class Transcriber {
  /// How much is done at once, and how finely.
  public struct Options: Sendable, Codable, Hashable {
    /// A longer recording is cut into windows of about this length, in seconds.
    public var windowSeconds = 30.0
    /// Audio in one batch, in seconds, padding included; one window is always taken.
    public var batchSeconds = 32.0
    /// Audio read ahead and sorted by length before batches are made, in seconds.
    public var lookaheadSeconds = 240.0
    /// Whether linear layers compute in 8 bits: faster, a little less exact.
    public var quantises = false

    public init() {}
  }

  public let model: AcousticModel
  public let precision: Precision
  public let options: Options

  /// - Throws: `.invalidArgument` for options that are not positive.
  public init(
    model: AcousticModel, precision: Precision = .automatic, options: Options = .init()
  ) throws {
    for (name, value) in [
      ("windowSeconds", options.windowSeconds), ("batchSeconds", options.batchSeconds),
      ("lookaheadSeconds", options.lookaheadSeconds),
    ] {
      // More than an hour at once asks for more memory than machines have.
      guard value >= 1, value <= 3600 else {
        throw IdiolectError(.invalidArgument, "\(name) is \(value); it must lie in 1 … 3600")
      }
    }
    guard !options.quantises || ck_has_int8() else {
      throw IdiolectError(.unsupported, "this processor does not multiply 8 bits in hardware")
    }
    self.model = model
    self.precision = precision
    self.options = options
  }

  /// Transcribes one recording of any length.
  ///
  /// - Throws: what `AudioReader` and the front end throw, naming the file.
  public func transcribe(path: String) throws -> Transcript {
    var outcome: Result<Transcript, IdiolectError>?
    try transcribe([Utterance(id: path, audioPath: path, text: "")]) { outcome = $1 }
    return try outcome!.get()
  }

  /// Transcribes samples that are in memory, window by window like a file.
  ///
  /// - Parameter samples: `[samples]`, mono, at the model's sample rate, ±1.
  /// - Throws: `.invalidAudio` where they are too few or not finite.
  public func transcribe(samples: [Float]) throws -> Transcript {
    let rate = model.frontEnd.sampleRate
    var rest = samples[...]
    var reader = WindowReader(sampleRate: rate, windowSeconds: options.windowSeconds) { count in
      defer { rest = rest.dropFirst(count) }
      return rest.isEmpty ? nil : Array(rest.prefix(count))
    }
    var windows: [(start: Double, transcript: Transcript)] = []
    while let (start, samples) = try reader.next() {
      let window = Window(
        features: try model.frontEnd(samples), seconds: Double(samples.count) / Double(rate))
      windows.append((start, try transcribe(batch: [window])[0]))
    }
    // Nothing at all is too short, and the front end says so.
    if windows.isEmpty { _ = try model.frontEnd(samples) }
    return Transcript(joining: windows)
  }

  /// Transcribes recordings, or parts of them, and gives the results in the order they came.
  ///
  /// A recording that cannot be used is a failure of its own; the rest goes on.
  ///
  /// - Parameter body: gets an index and its result, as soon as those before it are done. What it throws
  ///   ends the work.
  public func transcribe(
    _ utterances: [Utterance],
    _ body: (_ index: Int, _ result: Result<Transcript, IdiolectError>) throws -> Void
  ) throws {
    var queue = RecordingQueue(
      utterances, frontEnd: model.frontEnd, options: options)
    while let round = try queue.read() {
      // Longest first, so that little is padded and the largest memory is asked for once.
      let order = round.windows.indices.sorted {
        (round.windows[$1].frames, $0) < (round.windows[$0].frames, $1)
      }
      var batch: [Int] = []
      func flush() throws {
        let transcripts = try transcribe(batch: batch.map { round.windows[$0].window })
        for (index, transcript) in zip(batch, transcripts) {
          round.windows[index].deliver(transcript)
        }
        batch = []
      }
      for index in order {
        let longest = round.windows[batch.first ?? index].window.seconds
        if !batch.isEmpty, longest * Double(batch.count + 1) > options.batchSeconds { try flush() }
        batch.append(index)
      }
      if !batch.isEmpty { try flush() }
      for (index, result) in queue.takeFinished() { try body(index, result) }
    }
  }
}
