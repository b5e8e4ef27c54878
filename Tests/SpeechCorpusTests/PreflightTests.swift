import Basics
import Foundation
import SpeechCorpus
import SpeechText
import Testing

@Suite("Pre-flight check")
struct PreflightTests {
  private func findings(_ preflight: Preflight, _ id: String) -> [String] {
    preflight.report.findings.filter { $0.utterance == id }
      .map { $0.kind.rawValue + ($0.isUnusable ? "!" : "") }
  }

  @Test("Each fault is named by its utterance, and the rest goes on")
  func faults() throws {
    let folder = try CorpusFolder()
    var utterances: [Utterance] = []
    func add(
      _ name: String, _ samples: [Float], text: String = "hello there", duration: Double? = nil,
      rate: UInt32 = 16_000
    ) throws {
      try folder.wav("\(name).wav", samples, rate: rate)
      utterances.append(
        Utterance(
          id: name, audioPath: "\(folder.path)/\(name).wav", text: text, durationSeconds: duration,
          speaker: "s"))
    }
    func noise(_ seed: UInt64, seconds: Double = 1, rate: Int = 16_000, level: Float = 0.1)
      -> [Float]
    {
      CorpusFolder.noise(seconds: seconds, rate: rate, level: level, seed: seed)
    }
    try add("good", noise(1), duration: 1)
    try add("silent", [Float](repeating: 0, count: 16_000))
    try add("offset", [Float](repeating: 0.3, count: 16_000))
    try add("clipped", noise(2, level: 2))
    try add("same", noise(1))
    try add("contradicts", noise(1), text: "something else")
    try add("narrow", noise(3, rate: 8_000), rate: 8_000)
    try add("short", noise(4), duration: 2)
    try add("long", noise(5, seconds: 2), duration: 1.5)
    try add("empty", noise(6), text: " — ")
    try add("infeasible", noise(7, seconds: 0.5), text: "far too many words for so little")
    try add("foreign", noise(8), text: "hello thére")
    try add("cyrillic", noise(9), text: "привіт")
    try Data("no audio".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/junk.wav"))
    utterances.append(Utterance(id: "junk", audioPath: "\(folder.path)/junk.wav", text: "x"))
    utterances.append(Utterance(id: "absent", audioPath: "\(folder.path)/absent.wav", text: "x"))

    let vocabulary = try Vocabulary(characters: " abcdefghijklmnopqrstuvwxyz".unicodeScalars)
    var steps: [Int] = []
    let preflight = Preflight(
      utterances, normalizer: TextNormalizer(), vocabulary: vocabulary, source: "m.jsonl",
      outputFrames: { $0 / 640 }, progress: { steps.append($0) })
    let expected: [String: [String]] = [
      "good": [], "silent": ["silent!"], "offset": ["silent!"], "clipped": ["clipped"],
      "same": ["duplicate"], "contradicts": ["duplicate!"], "narrow": ["narrowBand"],
      "short": ["truncated!"], "long": ["duration"], "empty": ["emptyText!"],
      "infeasible": ["infeasible!"], "foreign": ["foreignCharacters"],
      "cyrillic": ["foreignCharacters!"], "junk": ["unreadable!"], "absent": ["unreadable!"],
    ]
    for (id, kinds) in expected { #expect(findings(preflight, id) == kinds, "\(id)") }
    #expect(steps == Array(1...utterances.count))
    let names = ["good", "clipped", "same", "narrow", "long", "foreign"]
    #expect(preflight.usable.map(\.id) == names)
    #expect(preflight.quarantine.count == utterances.count - names.count)
    #expect(preflight.usable[0].durationSeconds == 1)
    #expect(preflight.report.foreignCharacters.map(\.character).joined() == "éвипрті")
    #expect(preflight.report.rareCharacters.contains { $0.character == "é" && $0.count == 1 })
    let text = preflight.report.description
    #expect(text.hasPrefix("15 utterances, 6 usable"))
    #expect(text.contains("no sound above 4000 Hz"))
    let stored = try JSONEncoder().encode(preflight.report)
    #expect(try JSONDecoder().decode(PreflightReport.self, from: stored) == preflight.report)
  }

  @Test("Feasibility is exact: labels and a blank between equal neighbours")
  func feasibility() throws {
    let folder = try CorpusFolder()
    try folder.wav("a.wav", CorpusFolder.noise(seconds: 1, seed: 1))
    // 5 labels and 1 repeat.
    let utterance = Utterance(id: "a", audioPath: "\(folder.path)/a.wav", text: "hello")
    for (frames, usable) in [(5, 0), (6, 1)] {
      let preflight = Preflight([utterance], normalizer: TextNormalizer()) { samples in
        #expect(samples == 16_000)
        return frames
      }
      #expect(preflight.usable.count == usable)
    }
  }

  @Test("Time for a label far from the corpus's own is doubted")
  func outliers() throws {
    let folder = try CorpusFolder()
    let utterances = try (0..<30).map { index in
      let name = "\(folder.path)/\(index).wav"
      try folder.wav(
        "\(index).wav",
        CorpusFolder.noise(seconds: 1 + 0.01 * Double(index), seed: UInt64(index)))
      let text = index == 7 ? "a" : index == 8 ? String(repeating: "ab", count: 30) : "ten labels"
      return Utterance(id: "\(index)", audioPath: name, text: text)
    }
    let report = Preflight(utterances, normalizer: TextNormalizer()).report
    #expect(report.findings.map(\.utterance) == ["7", "8"])
    #expect(report.findings.allSatisfy { $0.kind == .timePerLabel && !$0.isUnusable })
    let spread = try #require(report.millisecondsPerLabel)
    #expect((100...130).contains(spread.median))
  }

  @Test("Segments of one recording are no duplicates and have their own durations")
  func segments() throws {
    let folder = try CorpusFolder()
    try folder.wav("a.wav", CorpusFolder.noise(seconds: 3, seed: 1))
    let utterances = [0.0, 1, 2].map { offset in
      Utterance(
        id: "\(offset)", audioPath: "\(folder.path)/a.wav", text: "hello", durationSeconds: 1,
        offsetSeconds: offset)
    }
    let beyond = Utterance(
      id: "beyond", audioPath: "\(folder.path)/a.wav", text: "hello", offsetSeconds: 9)
    let preflight = Preflight(utterances + [beyond], normalizer: TextNormalizer())
    var usable = preflight.usable
    #expect(Set(usable.map(\.fingerprint)).count == 3)
    for index in usable.indices { usable[index].fingerprint = nil }
    #expect(usable == utterances)
    #expect(preflight.report.findings.map(\.kind) == [.unreadable])
  }

  @Test("The thresholds are pinned")
  func defaults() {
    let options = PreflightOptions()
    #expect(options.sampleRate == 16_000 && options.rareBelow == 10)
    #expect(options.shortestMillisecondsPerLabel == 25 && options.outlierDeviations == 6)
    #expect(options.silencePeak == 0.0005 && options.clippedShare == 0.001)
    #expect(options.durationTolerance == 0.05 && options.truncatedShare == 0.2)
    #expect(options.narrowShare == 0.6 && options.foreignShare == 0.2)
  }
}
