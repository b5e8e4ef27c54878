import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport
import Testing

/// One bad file never ends a training: it is left out, counted and listed.
struct QuarantineTests {
  private let corpus: TinyCorpus

  init() throws { corpus = try TinyCorpus() }

  private func damaged(_ name: String) -> Utterance {
    Utterance(
      id: name, audioPath: "\(Golden.repository)/AudioSamples/damaged/\(name)", text: "a b c")
  }

  @Test func foundBeforeTraining() throws {
    var request = try corpus.request()
    var infeasible = try corpus.copies(TinyCorpus.clips(1, from: 20), "fast")[0]
    infeasible.text = String(repeating: "far too much text for it ", count: 20)
    let bad = ["not-a-number.wav", "text.wav", "truncated.opus"].map(damaged)
    request.train = try corpus.write(TinyCorpus.clips(6) + bad + [infeasible], "train")
    var said: [String] = []
    let report = try AdaptationRun(request) { said.append($0) }.run()
    #expect(report.quarantined == 4)
    #expect(report.preflight.usable == 6 && report.preflight.utterances == 10)
    for name in bad.map(\.id) + ["fast0.opus"] {
      #expect(corpus.quarantine("out").contains(name), "\(name)")
    }
    #expect(report.lines.contains { $0.hasPrefix("4 utterances quarantined") })
    // The pre-flight comes before the training.
    let check = said.firstIndex { $0.contains("utterances") && $0.contains("usable") }
    let training = try #require(said.firstIndex { $0.hasPrefix("strategy") })
    #expect(try #require(check) < training, "\(said)")
  }

  @Test(arguments: ["deleted", "not-a-number.wav", "text.wav"])
  func goneAfterThePreflight(_ what: String) throws {
    var request = try corpus.request()
    let clips = try corpus.copies(TinyCorpus.clips(6))
    request.train = try corpus.write(clips, "train")
    let report = try AdaptationRun(request) { line in
      guard line.hasPrefix("strategy") else { return }
      let files = FileManager.default
      try? files.removeItem(atPath: clips[2].audioPath)
      if what != "deleted" {
        try? files.copyItem(atPath: damaged(what).audioPath, toPath: clips[2].audioPath)
      }
    }.run()
    #expect(report.quarantined == 1)
    #expect(corpus.quarantine("out").contains("copy2.opus"))
    // Its name stands in a field of its own, and there is one remedy.
    #expect(!corpus.quarantine("out").contains("\"cause\":\"\(clips[2].audioPath)"))
    #expect(report.training.failures.count == 1 && report.training.updates > 0)
  }

  @Test func badHeldOutRecordings() throws {
    var request = try corpus.request()
    request.dev = try corpus.write(
      TinyCorpus.clips(4, from: 6) + [damaged("text.wav")], "dev")
    request.test = try corpus.write(
      TinyCorpus.clips(2, of: "test") + [damaged("truncated.wav")], "test")
    let report = try AdaptationRun(request).run()
    #expect(report.quarantined == 2)
    #expect(corpus.quarantine("out").contains("text.wav"))
    #expect(corpus.quarantine("out").contains("truncated.wav"))
    #expect(try corpus.record("out")["scores"]["target"]["utterances"].int() == 2)
  }

  @Test(arguments: [true, false]) func nothingIsLeft(_ isBeforeTraining: Bool) throws {
    var request = try corpus.request()
    let clips = try corpus.copies(TinyCorpus.clips(5))
    request.train = try corpus.write(clips, "train")
    func spoil() {
      for clip in clips {
        try? "no sound".write(toFile: clip.audioPath, atomically: true, encoding: .utf8)
      }
    }
    if isBeforeTraining { spoil() }
    // A model that lies there already survives.
    try onEngine { try TinyModel.make(seed: 9).write(to: request.output) }
    let before = corpus.bytes("out/model.safetensors")
    let error = #expect(throws: IdiolectError.self) {
      try AdaptationRun(request) { if $0.hasPrefix("strategy") { spoil() } }.run()
    }
    #expect(error?.code == .invalidData, "\(error?.message ?? "")")
    #expect(corpus.quarantine("out").contains("copy0.opus") == isBeforeTraining)
    #expect(corpus.bytes("out/model.safetensors") == before)
    _ = try onEngine { try AcousticModel(directory: request.output) }
  }

  /// At 1.1 of its speed a clip may be too short for its text: excluded then, named, and trained on else.
  @Test func tooFastAtSomeSpeeds() throws {
    try onEngine {
      let model = try AcousticModel(directory: corpus.base)
      var clips = try TinyCorpus.clips(3)
      let frames = model.outputFrames(samples: Int(clips[1].durationSeconds! * 16_000))
      clips[1].text = String(repeating: "ab", count: frames).prefix(frames - 1).description
      clips[2].text = String(repeating: "ab", count: frames * 2)
      var settings = TinyCorpus.settings
      settings.epochs = 6
      let (groups, saved) = try Strategy.outputLayer.apply(
        to: model, newLabels: false, layerDecay: 1, weightDecay: 0, seed: 1)
      let data = TrainingCorpus(clips, model: model, cacheBytes: 1 << 24)
      let files = TrainingDirectory(output: "\(corpus.path)/out")
      try files.prepare(resumes: false)
      let trainer = Trainer(
        model: model, parameters: saved, groups: groups, corpus: data, settings: settings,
        files: files, fingerprint: "", lookAtDev: nil, report: { _ in })
      try trainer.run()
      #expect(trainer.state.infeasible == [clips[1].id, clips[2].id])
      #expect(trainer.state.updates > 0 && trainer.state.finished)
      #expect(model.parameters.allSatisfy { $0.tensor.values.allSatisfy(\.isFinite) })
    }
  }
}
