import AudioIO
import Basics
import SpeechText

/// One utterance on its way through the pre-flight check.
struct CheckedUtterance {
  var utterance: Utterance
  /// Reference text.
  let text: String
  private(set) var findings: [PreflightReport.Finding] = []
  /// How many labels the text has.
  private(set) var labels = 0
  private var repeats = 0

  var isUnusable: Bool { findings.contains { $0.isUnusable } }

  init(_ utterance: Utterance, text: String) {
    self.utterance = utterance
    self.text = text
  }

  mutating func note(
    _ kind: PreflightReport.Kind, _ cause: String, _ remedy: String, isUnusable: Bool = false
  ) {
    findings.append(
      .init(
        kind: kind, utterance: utterance.id, line: utterance.line, isUnusable: isUnusable,
        cause: cause, remedy: remedy))
  }

  mutating func checkText(_ vocabulary: Vocabulary?, _ options: PreflightOptions) {
    let scalars = Array(text.unicodeScalars)
    guard options.requiresText else { return }
    guard !scalars.isEmpty else {
      return note(
        .emptyText, "no text is left after normalisation", "write what is said in it",
        isUnusable: true)
    }
    let ids: [Int]
    if let vocabulary {
      let encoding = vocabulary.encode(text)
      ids = encoding.ids
      if !encoding.unknown.isEmpty {
        let share = Double(encoding.unknown.count) / Double(scalars.count)
        let list = Set(encoding.unknown).sorted().prefix(8).map { "'\($0)'" }
        note(
          .foreignCharacters, "no label for \(list.joined(separator: ", "))",
          "extend the labels, or spell it otherwise",
          isUnusable: share > options.foreignShare || ids.isEmpty)
      }
    } else {
      ids = scalars.map { Int($0.value) }
    }
    labels = ids.count
    repeats = zip(ids, ids.dropFirst()).count { $0 == $1 }
  }

  /// Decodes the recording; nil, with a finding, where that fails.
  mutating func readAudio(
    _ options: PreflightOptions, _ spectrum: SmallSpectrum, isSegment: Bool
  ) -> AudioStatistics? {
    do {
      let reader = try AudioReader(
        utterance.audioPath, sampleRate: options.sampleRate,
        offsetSeconds: utterance.offsetSeconds, durationSeconds: utterance.durationSeconds)
      var statistics = AudioStatistics(sampleRate: options.sampleRate, spectrum: spectrum)
      while let block = try reader.next(maximumFrames: 1 << 16) { statistics.add(block) }
      let fileSeconds = reader.description.durationSeconds
      compareDuration(
        isSegment ? nil : fileSeconds, statistics, missing: reader.missingSeconds, options)
      return statistics
    } catch {
      let standard = "restore or replace the recording"
      let (cause, remedy) =
        (error as? IdiolectError)?.parts(without: utterance.audioPath, remedy: standard)
        ?? ("\(error)", standard)
      note(.unreadable, cause, remedy, isUnusable: true)
      return nil
    }
  }

  private mutating func compareDuration(
    _ fileSeconds: Double?, _ audio: AudioStatistics, missing: Double,
    _ options: PreflightOptions
  ) {
    defer { utterance.durationSeconds = audio.seconds }
    guard let declared = utterance.durationSeconds else { return }
    func rounded(_ seconds: Double) -> Double { (seconds * 100).rounded() / 100 }
    if missing > max(0.5, options.truncatedShare * declared) {
      note(
        .truncated, "\(rounded(audio.seconds)) s where the manifest says \(rounded(declared)) s",
        "restore the whole recording, or correct its duration and text", isUnusable: true)
      return
    }
    // Alone in its file and without an offset, the utterance is meant to be the whole of it.
    let actual = utterance.offsetSeconds == 0 ? fileSeconds ?? audio.seconds : audio.seconds
    if abs(actual - declared) > max(0.1, options.durationTolerance * declared) {
      note(
        .duration, "\(rounded(actual)) s where the manifest says \(rounded(declared)) s",
        "correct the duration, or check that this is the recording")
    }
  }

  mutating func checkAudio(_ audio: AudioStatistics, _ options: PreflightOptions) {
    guard audio.samples > 0 else {
      return note(.silent, "it holds no samples", "replace the recording", isUnusable: true)
    }
    if audio.seconds > options.longestSeconds {
      note(
        .tooLong,
        "it lasts \(Int(audio.seconds.rounded(.up))) s, and at most \(Int(options.longestSeconds)) s can be trained on",
        "cut it into sentences, each with its own text (offset and duration in the manifest)",
        isUnusable: true)
    }
    if audio.peak < options.silencePeak || audio.deviation < Double(options.silencePeak) / 10 {
      return note(
        .silent, "there is no sound in it", "replace the recording", isUnusable: true)
    }
    let share = Double(audio.clipped) / Double(audio.samples)
    if share > options.clippedShare {
      note(
        .clipped, "\((share * 1_000).rounded() / 10) % of its samples are at full scale",
        "record it again at a lower level if you can")
    }
    if let bandwidth = audio.bandwidth,
      bandwidth < options.narrowShare * Double(options.sampleRate) / 2
    {
      note(
        .narrowBand, "no sound above \(Int(bandwidth)) Hz",
        "expect more errors than at \(options.sampleRate / 1_000) kHz, or adapt on such recordings")
    }
  }

  /// CTC needs a frame for each label and a blank between equal neighbours.
  mutating func checkFeasibility(samples: Int, _ outputFrames: ((Int) -> Int)?) {
    guard let outputFrames, labels > 0 else { return }
    let frames = outputFrames(samples)
    guard frames < labels + repeats else { return }
    note(
      .infeasible,
      "\(labels) labels and \(repeats) repeats need \(labels + repeats) output frames, "
        + "it has \(frames)",
      "check that the transcript is of this recording, or take a network that subsamples less",
      isUnusable: true)
  }
}
