import AcousticModels
import Basics
import CTC
import TensorEngine
import TestSupport
import Testing

/// What training gives beside what an original's `case.json` and `gradients.safetensors` say.
struct GoldenTraining {
  let network: any AcousticNetwork
  let batch: FeatureBatch
  /// By utterance.
  let labels: [[Int]]
  /// `case.json`
  let facts: JSONNode
  var pass = Pass(training: false, precision: .float32)

  /// The mean over utterances of negative log-likelihood / label count.
  func loss(_ tape: Tape) throws -> Tensor {
    let criterion = CTCLoss(labels: network.sizes.labelCount, blank: network.sizes.blank)
    return try tape.recording {
      let (logits, segments) = network(batch, pass)
      let utterances = labels.enumerated().map { index, target in
        CTCUtterance(
          name: "\(index)",
          segment: PackedSegment(
            firstRow: segments.range(index).lowerBound, rows: segments.range(index).count,
            frames: segments.validRange(index).count),
          target: target.map(Int32.init), weight: 1 / Double(target.count * labels.count))
      }
      return try criterion.onTape(logits: logits, utterances: utterances, policy: .fail).loss
    }
  }

  /// The loss and the gradient of it by every parameter in `trained`, which then have one.
  ///
  /// - Parameter ours: gradients by the original's names.
  func expectGradients(
    _ trained: [Parameter], _ path: String, ours: () throws -> [String: [Float]]
  ) throws {
    for parameter in trained { parameter.tensor.requiresGradient = true }
    let tape = Tape()
    let value = try loss(tape)
    let expected = try facts["loss"].double()
    #expect(abs(Double(value.scalar) - expected) / expected < 1e-5)
    tape.backward(from: value)
    let store = try SafetensorsFile(path: path)
    let ours = try ours()
    #expect(Set(ours.keys) == Set(store.names))
    let theirs = try Dictionary(
      uniqueKeysWithValues: store.names.map { ($0, try store.readFloats($0)) })
    let largest = theirs.values.joined().lazy.map(abs).max()!
    for (name, gradient) in ours {
      let expected = try #require(theirs[name])
      // What is zero but for rounding: a key's bias, which softmax undoes, and a convolution's before a group norm.
      if expected.map(abs).max()! < 1e-6 * largest {
        #expect(gradient.map(abs).max()! < 1e-5 * largest, "\(name)")
      } else {
        let worst = Golden.relativeError(gradient, expected)
        let bound = 1e-3 * Float(expected.lazy.map(abs).max()!)
        let far = zip(gradient, expected).indices(beyond: bound)
        #expect(
          worst < 1e-3,
          "\(name): \(worst); \(far.count) of \(expected.count) beyond, at \(far.prefix(8))")
      }
    }
  }

  /// The loss before each of ten steps of AdamW and after.
  func expectTenSteps(_ trained: [Parameter]) throws {
    for parameter in trained { parameter.tensor.requiresGradient = true }
    let options = facts["optimiser"]
    let optimiser = AdamW(
      [ParameterGroup(trained, weightDecay: try options["weight_decay"].double())],
      beta1: try options["beta1"].double(), beta2: try options["beta2"].double(),
      epsilon: try options["epsilon"].double())
    for (step, theirs) in try facts["losses"].array().map({ try $0.double() }).enumerated() {
      let tape = Tape()
      let value = try loss(tape)
      #expect(abs(Double(value.scalar) - theirs) / theirs < 1e-3, "step \(step)")
      tape.backward(from: value)
      optimiser.update(rate: try options["learning_rate"].double())
    }
  }

  /// Gradients of parameters by the names they have, or others.
  static func gradients(
    _ parameters: [Parameter], named name: (String) -> String = { $0 }
  ) throws -> [String: [Float]] {
    try Dictionary(
      uniqueKeysWithValues: parameters.map {
        (name($0.name), try #require($0.tensor.gradient, "\($0.name)").values)
      })
  }
}

extension Zip2Sequence<[Float], [Float]> {
  /// Where the two differ by more than so much.
  fileprivate func indices(beyond bound: Float) -> [Int] {
    enumerated().filter { abs($0.element.0 - $0.element.1) > bound }.map(\.offset)
  }
}
