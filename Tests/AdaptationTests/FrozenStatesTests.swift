import AcousticFeatures
import AcousticModels
import Adaptation
import Basics
import CKernels
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport
import Testing

/// Keeping what frozen layers give saves time and changes no bit, whatever becomes of the file.
struct FrozenStatesTests {
  private struct Stop: Error {}

  private let corpus: TinyCorpus

  init() throws { corpus = try TinyCorpus() }

  /// Trains the upper layer; `during` is called at each look with the path of the file.
  private func train(
    _ output: String, views: Int? = 2, keeps: Bool = true, precision: Precision = .float32,
    resumes: Bool = false, stop: Int? = nil, replays: Bool = false,
    during: @escaping (String) throws -> Void = { _ in }
  ) throws -> [[Float]] {
    try onEngine {
      let model = try AcousticModel(directory: corpus.base)
      var settings = TinyCorpus.settings
      settings.epochs = 5
      settings.views = views
      settings.precision = precision
      settings.replayShare = replays ? 0.8 : nil
      let (groups, saved) = try Strategy(option: "upper:1").apply(
        to: model, newLabels: false, layerDecay: 1, weightDecay: 0.01, seed: 1)
      let files = TrainingDirectory(output: "\(corpus.path)/\(output)")
      try files.prepare(resumes: resumes)
      var frozen = try #require(
        FrozenPart(groups, of: model.network))
      if keeps { frozen.states = try store(files.frozen) }
      let data = TrainingCorpus(
        try TinyCorpus.clips(6), mixing: replays ? try TinyCorpus.clips(2, of: "test") : [],
        model: model, cacheBytes: 0)
      var looks = 0
      var trainer: Trainer! = nil
      defer { trainer = nil }
      trainer = Trainer(
        model: model, parameters: saved, groups: groups, frozen: frozen, corpus: data,
        settings: settings, files: files, fingerprint: "same",
        lookAtDev: {
          looks += 1
          if looks == stop { throw Stop() }
          try during(files.frozen)
          return DevScore(
            characterErrorRate: 1 / Double(1 + trainer.state.step), wordErrorRate: 1)
        }, report: { _ in })
      if resumes { try trainer.resume() }
      try trainer.run()
      if let states = frozen.states { #expect(states.count > 0) }
      return saved.map { $0.tensor.values }
    }
  }

  private func store(_ path: String, run: String = "run") throws -> FrozenStates {
    try FrozenStates(path: path, run: run, hiddenSize: TinyModel.hiddenSize, report: { _ in })
  }

  @Test(arguments: ck_has_bfloat16() ? [Precision.float32, .bfloat16] : [.float32])
  func keepingChangesNothing(_ precision: Precision) throws {
    let computed = try train("a", keeps: false, precision: precision)
    #expect(try train("b", precision: precision) == computed)
    #expect(try train("c", views: nil, keeps: false, precision: precision) != computed)
  }

  @Test(arguments: ["whole", "torn", "gone", "damaged"])
  func interrupted(_ file: String) throws {
    let whole = try train("whole")
    #expect(throws: Stop.self) { try train("parts", stop: 4) }
    let path = TrainingDirectory(output: "\(corpus.path)/parts").frozen
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    switch file {
    case "torn": try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
    case "gone": try FileManager.default.removeItem(atPath: path)
    case "damaged":
      var damaged = bytes
      damaged[bytes.count / 2] ^= 0x40
      try damaged.write(to: URL(fileURLWithPath: path))
    default: break
    }
    #expect(try train("parts", resumes: true) == whole)
  }

  /// What is replayed comes several times an epoch, and is the same view each time.
  @Test func replayed() throws {
    let computed = try train("a", keeps: false, replays: true)
    #expect(try train("b", replays: true) == computed)
    #expect(throws: Stop.self) { try train("parts", stop: 4, replays: true) }
    #expect(try train("parts", resumes: true, replays: true) == computed)
  }

  /// Shortened under the run that reads it.
  @Test func shortened() throws {
    let whole = try train("whole")
    let parts = try train("parts") { _ = truncate($0, 4000) }
    #expect(parts == whole)
  }

  @Test func entriesOfAnotherRunAreDropped() throws {
    let path = "\(corpus.path)/states"
    let values = (0..<3 * TinyModel.hiddenSize).map { Float($0) * 0.37 }
    let states = HiddenStates(rows: 3, rounding: values, count: values.count)
    do {
      let first = try store(path)
      first.add(states, item: 4, view: 1)
      #expect(first.read(item: 4, view: 1)?.halves == states.halves)
      #expect(first.read(item: 4, view: 0) == nil && first.read(item: 1, view: 4) == nil)
    }
    #expect(try store(path).read(item: 4, view: 1)?.halves == states.halves)
    #expect(try store(path, run: "other").count == 0)
    #expect(try store(path).count == 0)
  }

  /// The network in two parts is the network.
  @Test func partsMakeTheWhole() throws {
    try onEngine {
      let network = try AcousticModel(directory: corpus.base).network
      let batch = FeatureBatch(
        [37, 61].map { frames in
          Features(
            frames: frames, bins: network.sizes.inputBins, validFrames: frames,
            values: (0..<frames * network.sizes.inputBins).map { sin(Float($0) * 0.7) })
        })
      let evaluation = Pass(training: false, precision: .float32)
      let whole = network(batch, evaluation).logits.values
      for depth in 0...network.sizes.layerCount {
        let (hidden, segments) = network.lower(batch, depth: depth, evaluation)
        #expect(network.upper(hidden, segments, depth: depth, evaluation).logits.values == whole)
      }
    }
  }

  /// By the strategy: half of the network frozen or more has fixed views, unless that is not wanted.
  @Test func viewsOfARun() throws {
    var request = try corpus.request()
    request.strategy = .upper(layers: 1)
    var lines: [String] = []
    _ = try AdaptationRun(request) { lines.append($0) }.run()
    #expect(lines.contains { $0.contains("computed once for 8 views of each utterance and kept") })
    #expect(corpus.bytes("out/training/frozen-states") == nil)
    #expect(try corpus.record("out")["lineage"]["settings"]["views"].int() == 8)
    request.output += "2"
    request.keepsFrozenStates = false
    lines = []
    _ = try AdaptationRun(request) { lines.append($0) }.run()
    #expect(lines.contains { $0.contains("computed anew for every epoch's augmentation") })
    request.strategy = .full
    request.settings.views = 3
    #expect(throws: IdiolectError.self) { try AdaptationRun(request).run() }
  }
}
