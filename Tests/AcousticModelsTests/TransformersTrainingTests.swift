import AcousticModels
import Basics
import CTC
import TensorEngine
import TestSupport
import Testing

/// Loss, every gradient and ten optimiser steps, beside transformers: see Scripts/golden/parakeet.py.
struct TransformersTrainingTests {
  static let cases = ["four", "eight", "two"]

  /// transformers' loss: the mean over the batch of each utterance's loss per label.
  private func utterances(_ labels: [[Int]], _ segments: Segments) -> [CTCUtterance] {
    labels.enumerated().map { index, target in
      CTCUtterance(
        name: "\(index)",
        segment: PackedSegment(
          firstRow: segments.range(index).lowerBound, rows: segments.range(index).count,
          frames: segments.validRange(index).count),
        target: target.map(Int32.init),
        weight: 1 / Double(target.count * labels.count))
    }
  }

  private func loss(
    _ network: FastConformer, _ batch: FeatureBatch, _ labels: [[Int]], _ tape: Tape
  ) throws -> Tensor {
    let criterion = CTCLoss(
      labels: network.sizes.labelCount, blank: network.sizes.blank)
    return try tape.recording {
      let (logits, segments) = network(batch, Pass(training: true, precision: .float32))
      return try criterion.onTape(
        logits: logits, utterances: utterances(labels, segments), policy: .fail
      ).loss
    }
  }

  @Test(arguments: cases) func lossAndEveryGradient(_ name: String) throws {
    let golden = try ParakeetCase(name)
    try onEngine {
      let (network, parameters) = try golden.trainable()
      let tape = Tape()
      let value = try loss(network, try golden.batch(), golden.labels, tape)
      let expected = try golden.facts["loss"].double()
      #expect(abs(Double(value.scalar) - expected) / expected < 1e-5)
      tape.backward(from: value)
      let store = try SafetensorsFile(path: "\(golden.directory)/gradients.safetensors")
      let theirs = try parameters.map { try store.readFloats($0.name) }
      let largest = theirs.joined().map(abs).max()!
      for (parameter, expected) in zip(parameters, theirs) {
        let gradient = try #require(parameter.tensor.gradient, "\(parameter.name)").values
        // A key's bias shifts all scores of a query alike, which softmax undoes: its true gradient is 0, and
        // what both programs find is rounding. Only there is the comparison absolute.
        if parameter.name.hasSuffix("k_proj.bias") {
          #expect(expected.map(abs).max()! < 1e-6 * largest, "\(parameter.name)")
          let worst = gradient.map(abs).max()!
          #expect(worst < 1e-5 * largest, "\(parameter.name): \(worst)")
        } else {
          let worst = Golden.relativeError(gradient, expected)
          #expect(worst < 1e-3, "\(parameter.name): \(worst)")
        }
      }
    }
  }

  @Test(arguments: cases) func tenStepsWithFrozenStatistics(_ name: String) throws {
    let golden = try ParakeetCase(name)
    try onEngine {
      let (network, parameters) = try golden.trainable()
      try compareCurve(
        network, parameters, try golden.batch(), golden.labels, golden.facts["optimiser"],
        expected: try golden.facts["losses"].array().map { try $0.double() })
      let norms = golden.facts["norms_after"]
      for parameter in parameters where !parameter.name.hasSuffix("k_proj.bias") {
        let norm = parameter.tensor.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        let expected = try norms[parameter.name].double()
        #expect(abs(norm - expected) / expected < 1e-3, "\(parameter.name)")
      }
    }
  }

  @Test(arguments: cases) func tenStepsWithLiveStatistics(_ name: String) throws {
    let golden = try ParakeetCase(name)
    let live = golden.facts["live"]
    try onEngine {
      let (network, parameters) = try golden.trainable(liveStatistics: true)
      try compareCurve(
        network, parameters, try golden.liveBatch(),
        try live["labels"].array().map { try $0.ints() }, live["optimiser"],
        expected: try live["losses"].array().map { try $0.double() })
    }
  }

  /// The running statistics after ten forward passes, the eleventh being the last loss's.
  @Test(arguments: cases) func liveStatistics(_ name: String) throws {
    let golden = try ParakeetCase(name)
    try onEngine {
      let (network, parameters) = try golden.trainable(liveStatistics: true)
      try steps(
        10, network, parameters, try golden.liveBatch(),
        try golden.facts["live"]["labels"].array().map { try $0.ints() },
        golden.facts["live"]["optimiser"])
      let store = try SafetensorsFile(path: "\(golden.directory)/live-statistics.safetensors")
      let statistics = Dictionary(
        uniqueKeysWithValues: golden.statistics.map { ($0.name, $0.tensor.values) })
      for statistic in store.names where !statistic.hasSuffix("num_batches_tracked") {
        let ours = try #require(statistics[statistic], "\(statistic)")
        let worst = Golden.relativeError(ours, try store.readFloats(statistic))
        #expect(worst < 1e-4, "\(statistic): \(worst)")
      }
    }
  }

  private func compareCurve(
    _ network: FastConformer, _ parameters: [Parameter], _ batch: FeatureBatch, _ labels: [[Int]],
    _ optimiser: JSONNode, expected: [Double]
  ) throws {
    var losses = try steps(10, network, parameters, batch, labels, optimiser)
    losses.append(Double(try loss(network, batch, labels, Tape()).scalar))
    #expect(losses.count == expected.count)
    for (step, (ours, theirs)) in zip(losses, expected).enumerated() {
      #expect(abs(ours - theirs) / theirs < 1e-4, "step \(step): \(ours) against \(theirs)")
    }
  }

  @discardableResult
  private func steps(
    _ count: Int, _ network: FastConformer, _ parameters: [Parameter], _ batch: FeatureBatch,
    _ labels: [[Int]], _ options: JSONNode
  ) throws -> [Double] {
    let optimiser = AdamW(
      [ParameterGroup(parameters, weightDecay: try options["weight_decay"].double())],
      beta1: try options["beta1"].double(), beta2: try options["beta2"].double(),
      epsilon: try options["epsilon"].double())
    let rate = try options["learning_rate"].double()
    return try (0..<count).map { _ in
      let tape = Tape()
      let value = try loss(network, batch, labels, tape)
      tape.backward(from: value)
      optimiser.update(rate: rate)
      return Double(value.scalar)
    }
  }
}
