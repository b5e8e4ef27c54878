import AcousticFeatures
import AudioIO
import Basics
import SpeechCorpus

/// Recordings on their way through the network: reads windows ahead, a round at a time, and gathers
/// results in the order of the input.
struct RecordingQueue {
  /// The windows of one round, with where their transcripts go.
  struct Round {
    struct Entry {
      let window: Window
      let recording: Recording
      let slot: Int

      var frames: Int { window.features.frames }
      func deliver(_ transcript: Transcript) { recording.windows[slot].transcript = transcript }
    }
    var windows: [Entry] = []
  }

  private let utterances: [Utterance]
  private let frontEnd: any FrontEnd
  private let options: Transcriber.Options
  /// Begun and not yet given out, in order.
  private var open: [Recording] = []
  private var next = 0

  init(_ utterances: [Utterance], frontEnd: any FrontEnd, options: Transcriber.Options) {
    self.utterances = utterances
    self.frontEnd = frontEnd
    self.options = options
  }

  /// Reads the next round, decoding and extracting features on all threads; nil when all is done.
  mutating func read() throws -> Round? {
    var budget = options.lookaheadSeconds
    var shares: [(recording: Recording, seconds: Double)] = []
    for recording in open where budget > 0 && !recording.isExhausted {
      let share = min(budget, recording.secondsLeft)
      shares.append((recording, share))
      budget -= share
    }
    while budget > 0, next < utterances.count, open.count < 64 {
      let recording = Recording(utterances[next], index: next)
      next += 1
      open.append(recording)
      // Until its header is read a recording is taken for one window.
      let share = min(recording.utterance.durationSeconds ?? 10, options.windowSeconds)
      shares.append((recording, share))
      budget -= share
    }
    guard !shares.isEmpty else { return nil }
    let (frontEnd, options) = (frontEnd, options)
    let read = try parallelMap(shares) { share in
      share.recording.read(seconds: share.seconds, frontEnd, options)
    }
    var round = Round()
    for (share, windows) in zip(shares, read) {
      for window in windows {
        let slot = share.recording.windows.count
        share.recording.windows.append((window.startSeconds, nil))
        round.windows.append(.init(window: window.window, recording: share.recording, slot: slot))
      }
    }
    return round
  }

  /// Results of the recordings at the front that are done.
  mutating func takeFinished() -> [(index: Int, result: Result<Transcript, IdiolectError>)] {
    let done = open.prefix { $0.isExhausted }
    open.removeFirst(done.count)
    return done.map { ($0.index, $0.result) }
  }
}

/// One recording, half read perhaps.
final class Recording {
  let utterance: Utterance
  let index: Int
  var windows: [(start: Double, transcript: Transcript?)] = []
  private var reader: WindowReader?
  private var declaredSeconds: Double?
  private var failure: IdiolectError?
  private(set) var isExhausted = false

  init(_ utterance: Utterance, index: Int) {
    self.utterance = utterance
    self.index = index
  }

  var secondsLeft: Double {
    let total = utterance.durationSeconds ?? declaredSeconds ?? 0
    return max(1, total - (reader?.secondsRead ?? 0))
  }

  var result: Result<Transcript, IdiolectError> {
    if let failure { return .failure(failure) }
    return .success(
      Transcript(
        joining: windows.compactMap { window in window.transcript.map { (window.start, $0) } }))
  }

  /// Reads windows until they make up `seconds`, at least one.
  func read(
    seconds: Double, _ frontEnd: any FrontEnd, _ options: Transcriber.Options
  ) -> [(startSeconds: Double, window: Window)] {
    var result: [(startSeconds: Double, window: Window)] = []
    do {
      try naming(utterance.audioPath) {
        if reader == nil {
          let file = try AudioReader(
            utterance.audioPath, sampleRate: frontEnd.sampleRate,
            offsetSeconds: utterance.offsetSeconds, durationSeconds: utterance.durationSeconds)
          declaredSeconds = file.description.durationSeconds
          reader = WindowReader(
            sampleRate: frontEnd.sampleRate, windowSeconds: options.windowSeconds
          ) { try file.next(maximumFrames: $0) }
        }
        let goal = reader!.secondsRead + seconds
        while let (start, samples) = try reader!.next() {
          let length = Double(samples.count) / Double(frontEnd.sampleRate)
          result.append((start, Window(features: try frontEnd(samples), seconds: length)))
          if reader!.secondsRead >= goal { break }
        }
      }
      isExhausted = reader!.isExhausted
    } catch {
      failure =
        error as? IdiolectError
        ?? IdiolectError(.invalidAudio, "\(utterance.audioPath): \(error)", cause: error)
      isExhausted = true
      result = []
    }
    // An open file for each recording that waits would be too many.
    if isExhausted { reader = nil }
    return result
  }
}
