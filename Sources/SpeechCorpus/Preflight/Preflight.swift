import AudioIO
import Basics
public import SpeechText

/// Looks at every utterance before a long job begins, so that nothing surprises it later.
///
/// Each recording is decoded once, block by block. What cannot be used is quarantined, what is doubtful
/// is reported; nothing throws for one utterance's sake.
///
///     let preflight = Preflight(manifest.utterances, normalizer: normalizer, vocabulary: vocabulary) {
///       network.outputFrames(samples: $0)
///     }
///     print(preflight.report)
///     train(on: preflight.usable)
public struct Preflight: Sendable {
  /// In the order they came, with the duration that was measured.
  public private(set) var usable: [Utterance] = []
  public private(set) var quarantine = Quarantine()
  public private(set) var report = PreflightReport()

  private let options: PreflightOptions
  private var firstByFingerprint: [UInt64: (id: String, text: String)] = [:]

  /// - Parameters:
  ///   - normalizer: makes the reference text that is checked.
  ///   - vocabulary: the network's labels; nil where they will be made from this corpus, every
  ///     character then counting as one.
  ///   - source: the manifest's path, for the quarantine.
  ///   - outputFrames: valid output frames for so many samples at `options.sampleRate`; nil leaves
  ///     feasibility out.
  ///   - progress: called after each utterance with how many are done.
  public init(
    _ utterances: [Utterance], normalizer: TextNormalizer, vocabulary: Vocabulary? = nil,
    options: PreflightOptions = PreflightOptions(), source: String = "",
    outputFrames: ((_ samples: Int) -> Int)? = nil, progress: (Int) -> Void = { _ in }
  ) {
    self.options = options
    let spectrum = SmallSpectrum()
    var alphabet = Alphabet()
    var everything = Alphabet()
    var timed: [(utterance: Utterance, milliseconds: Double)] = []
    var bandwidths: [Double] = []
    var uses: [String: Int] = [:]
    for utterance in utterances { uses[utterance.audioPath, default: 0] += 1 }
    for (index, utterance) in utterances.enumerated() {
      var checked = CheckedUtterance(utterance, text: normalizer(utterance.text))
      everything.add(checked.text)
      checked.checkText(vocabulary, options)
      if let audio = checked.readAudio(
        options, spectrum, isSegment: uses[utterance.audioPath] != 1)
      {
        checked.checkAudio(audio, options)
        checked.utterance.fingerprint = audio.fingerprint
        checked.checkFeasibility(samples: audio.samples, outputFrames)
        checkDuplicate(&checked, audio)
        if !checked.isUnusable, let bandwidth = audio.bandwidth { bandwidths.append(bandwidth) }
      }
      report.findings += checked.findings
      if let reason = checked.findings.first(where: \.isUnusable) {
        quarantine.add(
          utterance: utterance.id, source: source, line: utterance.line, cause: reason.cause,
          remedy: reason.remedy)
      } else {
        alphabet.add(checked.text)
        report.seconds += checked.utterance.durationSeconds ?? 0
        usable.append(checked.utterance)
        if let seconds = checked.utterance.durationSeconds, checked.labels > 0 {
          timed.append((utterance, 1_000 * seconds / Double(checked.labels)))
        }
      }
      progress(index + 1)
    }
    report.utterances = utterances.count
    report.usable = usable.count
    report.speakers = Set(usable.compactMap(\.speaker)).count
    report.bandwidth = PreflightReport.Spread(bandwidths)
    report.rareCharacters = count(alphabet.rarer(than: options.rareBelow), alphabet)
    if let vocabulary {
      report.foreignCharacters = count(everything.outside(vocabulary), everything)
    }
    findOutliers(timed)
  }

  private func count(
    _ scalars: [Unicode.Scalar], _ alphabet: Alphabet
  ) -> [PreflightReport.CharacterCount] {
    scalars.map { .init(character: String($0), count: alphabet.counts[$0] ?? 0) }
  }

  private mutating func checkDuplicate(_ checked: inout CheckedUtterance, _ audio: AudioStatistics)
  {
    guard !checked.isUnusable else { return }
    guard let first = firstByFingerprint[audio.fingerprint] else {
      firstByFingerprint[audio.fingerprint] = (checked.utterance.id, checked.text)
      return
    }
    if first.text == checked.text {
      checked.note(
        .duplicate, "the same recording and text as \(first.id)", "leave one of them out")
    } else {
      checked.note(
        .duplicate, "the same recording as \(first.id), but with another text",
        "keep the one whose text is right", isUnusable: true)
    }
  }

  /// Time for a label far from the corpus's own, in robust deviations of its logarithm.
  private mutating func findOutliers(_ timed: [(utterance: Utterance, milliseconds: Double)]) {
    guard let spread = PreflightReport.Spread(timed.map(\.milliseconds)) else { return }
    report.millisecondsPerLabel = spread
    // From the 5 % and 95 % points: 3.29 deviations apart if normal. At least 10 % a deviation, lest
    // a corpus of equal clips have outliers by rounding.
    let deviation = max(0.1, Spread.logarithm(spread.high / spread.low) / 3.29)
    for (utterance, milliseconds) in timed {
      let distance = Spread.logarithm(milliseconds / spread.median) / deviation
      let isShort = milliseconds < options.shortestMillisecondsPerLabel
      guard isShort || (timed.count >= 20 && abs(distance) > options.outlierDeviations) else {
        continue
      }
      report.findings.append(
        .init(
          kind: .timePerLabel, utterance: utterance.id, line: utterance.line, isUnusable: false,
          cause:
            "\(Int(milliseconds)) ms of audio for each label, where the corpus has "
            + "\(Int(spread.median))",
          remedy: "check that the transcript is of this recording, and complete"))
    }
  }

  private typealias Spread = PreflightReport.Spread
}
