import AcousticModels
import Adaptation
import AudioIO
import Basics
import CKernels
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport
import Testing

/// A run that stops and goes on gives the bits of one that never stopped.
struct ResumeTests {
  private struct Stop: Error {}

  private let corpus: TinyCorpus

  init() throws { corpus = try TinyCorpus() }

  /// Trains into `output`; stops at the look number `stop` if given.
  private func train(
    _ output: String, precision: Precision = .float32, option: String = "full", live: Bool = false,
    average: Double? = nil, besides: Double? = nil,
    task: Reptile.Task? = nil, stop: Int? = nil, resumes: Bool = false,
    augments: Bool = false, cacheBytes: Int = 1 << 24,
    fingerprint: String = "same"
  ) throws -> (weights: [[Float]], state: TrainingState, besides: [[Float]]) {
    try onEngine {
      let model = try AcousticModel(directory: corpus.base)
      var settings = TinyCorpus.settings
      settings.precision = precision
      settings.liveStatistics = live
      settings.averageDecay = average
      settings.evaluationSteps = 2
      settings.accumulation = task == nil ? 2 : 1
      settings.task = task
      settings.augmentation = augments ? AudioAugmentation() : nil
      let (groups, saved) = try Strategy(option: option).apply(
        to: model, newLabels: false, layerDecay: 0.9, weightDecay: 0.01, seed: 1)
      let files = TrainingDirectory(output: "\(corpus.path)/\(output)")
      try files.prepare(resumes: resumes)
      var clips = try TinyCorpus.clips(6)
      for index in clips.indices { clips[index].speaker = "\(index % 2)" }
      let data = TrainingCorpus(clips, model: model, cacheBytes: cacheBytes)
      let kept = besides.map { WeightAverage(saved, decay: $0) }
      var looks = 0
      var trainer: Trainer! = nil
      defer { trainer = nil }
      trainer = Trainer(
        model: model, parameters: saved, groups: groups, besides: kept, corpus: data,
        settings: settings, files: files, fingerprint: fingerprint,
        lookAtDev: {
          looks += 1
          if looks == stop { throw Stop() }
          // Falls, so that the last weights are the best, and remain.
          return DevScore(
            characterErrorRate: 1 / Double(1 + trainer.state.step), wordErrorRate: 1)
        }, report: { _ in })
      if resumes { try trainer.resume() }
      try trainer.run()
      return (
        saved.map { $0.tensor.values }, trainer.state, kept?.averages.map { $0.values } ?? []
      )
    }
  }

  @Test(arguments: ["full", "lora:2"], [false, true])
  func interruptedAtACheckpoint(_ option: String, _ live: Bool) throws {
    let whole = try train("whole", option: option, live: live)
    #expect(throws: Stop.self) { try train("parts", option: option, live: live, stop: 2) }
    let parts = try train("parts", option: option, live: live, resumes: true)
    #expect(parts.weights == whole.weights)
    #expect(whole.state.best?.step == whole.state.step)
    #expect(parts.state.step == whole.state.step && parts.state.updates == whole.state.updates)
    #expect(parts.state.looks.map(\.loss) == whole.state.looks.map(\.loss))
    #expect(parts.state.audioSeconds == whole.state.audioSeconds)
  }

  @Test(.enabled(if: ck_has_bfloat16())) func bfloat16() throws {
    let whole = try train("whole", precision: .bfloat16)
    #expect(throws: Stop.self) { try train("parts", precision: .bfloat16, stop: 3) }
    #expect(try train("parts", precision: .bfloat16, resumes: true).weights == whole.weights)
  }

  /// Where a task began is known again in the midst of it.
  @Test func tasks() throws {
    let whole = try train("whole", task: .speaker)
    #expect(whole.state.step == 32 && whole.state.looks.map(\.step) == [0, 8, 16, 24, 32])
    #expect(throws: Stop.self) { try train("parts", task: .speaker, stop: 3) }
    let parts = try train("parts", task: .speaker, resumes: true)
    #expect(parts.weights == whole.weights)
  }

  /// The average goes on too, and it is what remains.
  @Test func average() throws {
    let whole = try train("whole", live: true, average: 0.9)
    #expect(throws: Stop.self) { try train("parts", live: true, average: 0.9, stop: 2) }
    #expect(
      try train("parts", live: true, average: 0.9, resumes: true).weights == whole.weights)
    let last = try train("last", live: true)
    #expect(last.weights != whole.weights)
    #expect(try train("none", live: true, average: 0).weights == last.weights)
  }

  /// So does one that is kept beside the weights, which it leaves as they are.
  @Test func averageBesides() throws {
    let whole = try train("whole", besides: 0.9)
    #expect(throws: Stop.self) { try train("parts", besides: 0.9, stop: 2) }
    let parts = try train("parts", besides: 0.9, resumes: true)
    #expect(parts.besides == whole.besides && parts.weights == whole.weights)
    #expect(whole.besides == (try train("average", average: 0.9).weights))
    #expect(whole.weights == (try train("without").weights) && whole.weights != whole.besides)
  }

  /// Features from memory and features computed again are the same bits.
  @Test(arguments: [false, true]) func cacheChangesNothing(augments: Bool) throws {
    let kept = try train("a", augments: augments).weights
    #expect(try train("b", augments: augments, cacheBytes: 0).weights == kept)
  }

  @Test func beforeTheFirstCheckpoint() throws {
    let whole = try train("whole")
    #expect(throws: Stop.self) { try train("parts", stop: 1) }
    #expect(corpus.bytes("parts/training/last.safetensors") == nil)
    #expect(try train("parts", resumes: true).weights == whole.weights)
  }

  /// Killed between the two files: the best weights are newer than the state, and are known for what they
  /// are.
  @Test func bestNewerThanTheState() throws {
    let whole = try train("whole")
    #expect(throws: Stop.self) { try train("parts", stop: 3) }
    let path = "\(corpus.path)/parts/training/best.safetensors"
    try onEngine {
      let parameters = try AcousticModel(directory: corpus.base).parameters
      var look = TrainingState.Look(step: 10_000, epoch: 9, seconds: 1, loss: 1)
      look.devCER = 1e-9
      try TrainingCheckpoint.writeBest(parameters, look, fingerprint: "another", to: path)
      #expect(TrainingCheckpoint.look(in: path, fingerprint: "same") == nil)
      try TrainingCheckpoint.writeBest(parameters, look, fingerprint: "same", to: path)
      #expect(TrainingCheckpoint.look(in: path, fingerprint: "same")?.step == 10_000)
    }
    let parts = try train("parts", resumes: true)
    #expect(parts.state.best?.step == 10_000 && parts.state.step == whole.state.step)
    #expect(
      parts.weights
        == (try onEngine {
          try AcousticModel(directory: corpus.base).parameters.map { $0.tensor.values }
        }))
  }

  @Test func threadsBelongToARun() throws {
    #expect(RunFingerprint.otherThreads("a threads 4", "a threads 2") == 4)
    #expect(RunFingerprint.otherThreads("a threads 4", "b threads 2") == nil)
    #expect(RunFingerprint.otherThreads("a threads 4", "a threads 4") == nil)
    #expect(throws: Stop.self) { try train("parts", stop: 2, fingerprint: "a threads 4") }
    let error = #expect(throws: IdiolectError.self) {
      try train("parts", resumes: true, fingerprint: "a threads 2")
    }
    #expect(error?.message.contains("--threads 4") == true)
  }

  @Test func anotherRunIsNotResumed() throws {
    #expect(throws: Stop.self) { try train("parts", stop: 2) }
    let other = #expect(throws: IdiolectError.self) {
      try train("parts", resumes: true, fingerprint: "other")
    }
    #expect(other?.message.contains("other settings") == true)
    // Nor is it overwritten unawares.
    let fresh = #expect(throws: IdiolectError.self) { try train("parts") }
    #expect(fresh?.message.contains("--resume") == true)
    #expect(fresh?.code == .invalidArgument)
    try Data("rubbish".utf8).write(
      to: URL(fileURLWithPath: "\(corpus.path)/parts/training/last.safetensors"))
    let damaged = #expect(throws: IdiolectError.self) { try train("parts", resumes: true) }
    #expect(damaged?.message.contains("last.safetensors") == true)
  }

  @Test func halfWrittenFilesAreSweptAway() throws {
    let files = TrainingDirectory(output: "\(corpus.path)/out")
    try files.prepare(resumes: false)
    let half = "\(files.path)/last.safetensors.partial-1-2"
    try Data(count: 10).write(to: URL(fileURLWithPath: half))
    try files.prepare(resumes: true)
    #expect(!FileManager.default.fileExists(atPath: half))
  }

  @Test func fingerprintsTellRunsApart() throws {
    let vocabulary = try onEngine { try TinyModel.make().vocabulary }
    let clips = try TinyCorpus.clips(3)
    func text(
      _ change: (inout TrainingSettings) -> Void = { _ in }, base: String = "b",
      strategy: String = "full", clips: [Utterance]
    ) throws -> String {
      var settings = TinyCorpus.settings
      change(&settings)
      return try RunFingerprint(
        settings: settings, base: base, strategy: strategy, vocabulary: vocabulary,
        utterances: clips
      ).text
    }
    let first = try text(clips: clips)
    #expect(try text({ $0.checkpointSteps = 77 }, clips: clips) == first)
    #expect(try text({ $0.featureCacheBytes = 0 }, clips: clips) == first)
    var changed = clips
    changed[1].text += " x"
    let others = try [
      text({ $0.seed = 9 }, clips: clips), text({ $0.precision = .bfloat16 }, clips: clips),
      text({ $0.epochs = 9 }, clips: clips), text(base: "c", clips: clips),
      text(strategy: "bias", clips: clips), text(clips: changed), text(clips: clips.reversed()),
    ]
    #expect(Set(others + [first]).count == 8)
  }
}
