import AcousticFeatures
import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// Each strategy moves the tensors it names and keeps every bit of the others.
struct StrategyTests {
  private let corpus: TinyCorpus

  init() throws { corpus = try TinyCorpus() }

  /// Trains with `option`; the names of the tensors that differ from the base's.
  private func moved(_ option: String) throws -> Set<String> {
    try onEngine {
      let model = try AcousticModel(directory: corpus.base)
      let before = model.parameters.map { $0.tensor.values }
      try train(model, option)
      model.network.foldUpdates()
      return Set(
        zip(before, model.parameters).filter { $0 != $1.tensor.values }.map { $1.name })
    }
  }

  private func train(_ model: AcousticModel, _ option: String) throws {
    var settings = TinyCorpus.settings
    settings.learningRate = 1e-2
    let (groups, saved) = try Strategy(option: option).apply(
      to: model, newLabels: false, layerDecay: 1, weightDecay: 0, seed: 1)
    let data = TrainingCorpus(try TinyCorpus.clips(4), model: model, cacheBytes: 1 << 20)
    let files = TrainingDirectory(output: "\(corpus.path)/out")
    try files.prepare(resumes: true)
    let trainer = Trainer(
      model: model, parameters: saved, groups: groups, corpus: data, settings: settings,
      files: files, fingerprint: "", lookAtDev: nil, report: { _ in })
    try trainer.run()
    #expect(trainer.state.updates > 2)
  }

  private func names(_ holds: (Parameter) -> Bool) throws -> Set<String> {
    try onEngine {
      Set(try TinyModel.make().parameters.filter { $0.role != .statistic && holds($0) }.map(\.name))
    }
  }

  /// Of the projection of relative positions to keys, a bias could change nothing: there is none. A key's
  /// bias cancels in the softmax, but for rounding, and need not move.
  private func expect(_ moved: Set<String>, are chosen: Set<String>) {
    #expect(moved.subtracting(chosen).isEmpty)
    #expect(
      chosen.subtracting(moved).allSatisfy { $0.hasSuffix("k_proj.bias") },
      "\(chosen.subtracting(moved))")
  }

  @Test func full() throws { try expect(moved("full"), are: names { _ in true }) }

  @Test func outputLayer() throws {
    try expect(moved("output-layer"), are: ["ctc_head.weight", "ctc_head.bias"])
  }

  @Test func upperOne() throws {
    try expect(
      moved("upper:1"),
      are: names { $0.name.hasPrefix("ctc_head.") || $0.name.hasPrefix("encoder.layers.1.") })
  }

  @Test func upperAll() throws {
    try expect(moved("upper:2"), are: names { !$0.name.hasPrefix("encoder.subsampling.") })
  }

  @Test func bias() throws {
    try expect(
      moved("bias"),
      are: names {
        $0.role == .bias || ($0.role == .normalisation && $0.name.hasSuffix(".bias"))
      })
  }

  @Test func lowRank() throws {
    let linear = try onEngine {
      Set(try TinyModel.make().network.layers.flatMap(\.linears).map { "\($0.name).weight" })
    }
    #expect(linear.count == 20)
    try expect(moved("lora:2"), are: linear)
  }

  @Test func norm() throws { try expect(moved("norm"), are: names { $0.role == .normalisation }) }

  @Test func hiddenUnits() throws {
    try expect(
      moved("lhuc"),
      are: names { $0.name.contains("feed_forward") && $0.name.hasSuffix("linear2.weight") })
  }

  @Test func gradual() throws { try expect(moved("gradual"), are: names { _ in true }) }

  /// The output layer trains from the start, what is below it later the deeper it lies; a new one alone at
  /// first under any strategy.
  @Test(arguments: [false, true]) func beginsFromTheTop(_ newLabels: Bool) throws {
    func starts(_ option: String) throws -> [Int: Double] {
      let model = try onEngine { try TinyModel.make() }
      let groups = try onEngine {
        try Strategy(option: option).apply(
          to: model, newLabels: newLabels, layerDecay: 1, weightDecay: 0, seed: 1
        ).groups
      }
      return Dictionary(
        groups.flatMap { group in
          group.parameters.map { (model.network.depth(of: $0), group.start) }
        },
        uniquingKeysWith: {
          #expect($0 == $1)
          return $0
        })
    }
    let first = newLabels ? 0.1 : 0
    #expect(try starts("full") == [0: 0, 1: first, 2: first, 3: first])
    #expect(try starts("gradual") == [0: 0, 1: 0.5 / 3, 2: 1.0 / 3, 3: 0.5])
    #expect(try starts("upper:1") == [0: 0, 1: first])
  }

  /// Folding is arithmetic on weights: the network's output stays, to rounding.
  @Test(arguments: ["lora:4", "lhuc"]) func foldedEqualsUnfolded(_ option: String) throws {
    var random = SeededRandom(seed: 3)
    let features = try LogMel()((0..<16_000).map { _ in random.uniform(-0.5...0.5) })
    let (base, apart, folded) = try onEngine {
      func logits(_ model: AcousticModel) -> [Float] {
        model.network(FeatureBatch([features]), Pass(training: false, precision: .float32)).logits
          .values
      }
      let model = try AcousticModel(directory: corpus.base)
      let base = logits(model)
      try train(model, option)
      let apart = logits(model)
      model.network.foldUpdates()
      return (base, apart, logits(model))
    }
    #expect(Golden.relativeError(folded, apart) < 1e-5)
    #expect(Golden.relativeError(folded, base) > 1e-3)
  }

  /// The upper layer goes; the lower one is as it was, and still trains.
  @Test func keepsTheLowerLayers() throws {
    var request = try corpus.request()
    request.keptLayers = 1
    request.settings.learningRate = 1e-12
    request.storage = .float32
    let report = try AdaptationRun(request).run()
    #expect(report.interpolation == nil)
    let whole = try onEngine { try AcousticModel(directory: corpus.base) }
    let part = try onEngine { try whole.keepingLayers(1) }
    #expect(part.network.sizes.layerCount == 1)
    #expect(part.parameterCount < whole.parameterCount)
    #expect(!part.parameters.contains { $0.name.hasPrefix("encoder.layers.1.") })
    request.keptLayers = 3
    #expect(throws: IdiolectError.self) { try AdaptationRun(request).run() }
  }

  @Test func deeperLayersLearnSlower() throws {
    let groups = try onEngine {
      try Strategy.full.apply(
        to: try TinyModel.make(), newLabels: false, layerDecay: 0.5, weightDecay: 0.1, seed: 1
      ).groups
    }
    for group in groups {
      for parameter in group.parameters {
        let expected =
          parameter.name.hasPrefix("ctc_head.")
          ? 1
          : parameter.name.hasPrefix("encoder.layers.1.")
            ? 0.5 : parameter.name.hasPrefix("encoder.layers.0.") ? 0.25 : 0.125
        #expect(group.rateScale == expected, "\(parameter.name)")
        #expect(group.weightDecay == (parameter.role == .weight ? 0.1 : 0), "\(parameter.name)")
      }
    }
    let all = try names { _ in true }
    #expect(Set(groups.flatMap(\.parameters).map(\.name)) == all)
  }

  @Test func liveStatisticsMoveOnlyWhereAskedFor() throws {
    try onEngine {
      for live in [false, true] {
        let model = try TinyModel.make()
        let norm = try #require(model.network.layers[0].batchNorms.first)
        norm.usesLiveStatistics = live
        let features = Features(
          frames: 40, bins: 80, validFrames: 40, values: [Float](repeating: 0.3, count: 3200))
        _ = model.network(FeatureBatch([features]), Pass(training: true, precision: .float32))
        #expect((norm.runningMean.values.contains { $0 != 0 }) == live)
        #expect(norm.batches.scalar == (live ? 1 : 0))
      }
    }
  }

  @Test(arguments: ["upper:0", "upper", "upper:-1", "lora:0", "lora:x", "lora:9999", "some", ""])
  func refusedOptions(_ option: String) {
    #expect(throws: IdiolectError.self) { try Strategy(option: option) }
  }

  /// A network without hidden units, or without normalisations, is not trained in vain.
  @Test(
    arguments: [
      ("deepspeech", "lhuc"), ("deepspeech", "norm"), ("nemo/quartznet/model.nemo", "lhuc"),
    ]) func nothingToTrain(_ directory: String, _ option: String) throws
  {
    let error = #expect(throws: IdiolectError.self) {
      try onEngine {
        let model = try AcousticModel(directory: "\(Golden.directory)/\(directory)")
        // Elsewhere it has much.
        _ = try Strategy(option: "bias").apply(
          to: model, newLabels: false, layerDecay: 1, weightDecay: 0, seed: 1)
        _ = try Strategy(option: option).apply(
          to: model, newLabels: true, layerDecay: 1, weightDecay: 0, seed: 1)
      }
    }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("strategy \(option): ") == true, "\(error?.message ?? "")")
  }

  @Test func moreLayersThanThereAre() throws {
    let error = #expect(throws: IdiolectError.self) {
      try onEngine {
        _ = try Strategy.upper(layers: 3).apply(
          to: try TinyModel.make(), newLabels: false, layerDecay: 1, weightDecay: 0, seed: 1)
      }
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("2 encoder layers") == true)
  }
}
