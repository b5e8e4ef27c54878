import AcousticFeatures
import AcousticModels
import Basics
import CTC
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// Layers that are computed again on the way back: the same bits in less memory.
@Suite struct RecomputationTests {
  /// With dropout, layers left out, masks, frozen layers and live statistics.
  private func step(
    _ model: AcousticModel, frozenBelow: Int, recomputes: Bool, precision: Precision = .float32,
    seconds: [Double] = [2, 1.3]
  ) throws -> (loss: Float, values: [String: [Float]], peak: Int) {
    for norm in model.network.batchNorms { norm.usesLiveStatistics = true }
    for parameter in model.parameters where parameter.role != .statistic {
      parameter.tensor.gradient = nil
      parameter.tensor.requiresGradient = model.network.depth(of: parameter) <= frozenBelow
    }
    var random = SeededRandom(seed: 3)
    let features = try seconds.map { seconds in
      try model.frontEnd(
        (0..<Int(seconds * Double(model.frontEnd.sampleRate))).map { _ in random.uniform(-0.2...0.2)
        })
    }
    let pass = Pass(training: true, precision: precision, seed: 5, recomputes: recomputes)
    let criterion = CTCLoss(
      labels: model.network.sizes.labelCount, blank: model.network.sizes.blank)
    let before = Storage.bytesInUse
    Storage.resetPeak()
    let tape = Tape()
    let loss = try tape.recording {
      let (logits, segments) = model.network(FeatureBatch(features), pass)
      let utterances = features.indices.map {
        CTCUtterance(name: "\($0)", segment: PackedSegment(segments, $0), target: [1, 2, 3])
      }
      return try criterion.onTape(logits: logits, utterances: utterances, policy: .fail).loss
    }
    tape.backward(from: loss)
    let peak = Storage.peakBytes - before
    var values: [String: [Float]] = [:]
    for parameter in model.parameters {
      values[parameter.name] =
        parameter.role == .statistic
        ? parameter.tensor.values : parameter.tensor.gradient?.values ?? []
    }
    return (loss.scalar, values, peak)
  }

  private func models() throws -> [String: () throws -> AcousticModel] {
    var found: [String: () throws -> AcousticModel] = [
      "fastconformer": { try TinyModel.make() }, "wav2vec2": { try TinyModel.wav2vec2() },
    ]
    for name in TinyModel.families.keys { found[name] = { try TinyModel.family(name) } }
    return found
  }

  @Test(arguments: [1, 9], [Precision.float32, .bfloat16])
  func sameBits(_ frozenBelow: Int, _ precision: Precision) throws {
    guard precision == .float32 || Precision.automatic == .bfloat16 else { return }
    try onEngine {
      for (name, make) in try models() {
        let kept = try step(
          make(), frozenBelow: frozenBelow, recomputes: false, precision: precision)
        let again = try step(
          make(), frozenBelow: frozenBelow, recomputes: true, precision: precision)
        #expect(kept.loss == again.loss, "\(name)")
        for (parameter, value) in kept.values {
          #expect(value == again.values[parameter], "\(name): \(parameter)")
        }
      }
    }
  }

  @Test func lessMemory() throws {
    try onEngine {
      let directory = "\(Golden.repository)/Models/english-small"
      func peak(_ recomputes: Bool) throws -> Int {
        try step(
          AcousticModel(directory: directory), frozenBelow: 99, recomputes: recomputes,
          seconds: [20, 20]
        ).peak
      }
      let (kept, again) = (try peak(false), try peak(true))
      // The gradients themselves take the same.
      let gradients = try 4 * AcousticModel(directory: directory).parameterCount
      #expect(2 * (again - gradients) < kept - gradients, "\(again), \(kept)")
    }
  }
}
