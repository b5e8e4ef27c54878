import AcousticFeatures
import AcousticModels
import Basics
import CTC
import SpeechText
import TensorEngine

/// Whole networks: `forward` one batch, a training `step`, and the `losses` of three steps without draws.
enum Networks {
  static func work(
    _ kind: String, _ precision: Precision, directory: String, seconds: Int, count: Int
  ) throws -> Work {
    let model = try AcousticModel(directory: directory)
    // Of samples or of log-mels.
    let bins = model.frontEnd.bins
    let frames = seconds * (bins == 1 ? model.frontEnd.sampleRate : 100)
    let batch = FeatureBatch(
      (0..<count).map { index in
        Features(
          frames: frames, bins: bins, validFrames: frames,
          values: Catalogue.random([frames, bins], index + 1, scale: 1.7).values)
      })
    if kind == "forward" {
      var logits: Tensor?
      return Work(
        run: {
          logits = model.network(batch, Pass(training: false, precision: precision)).logits
        },
        results: { [logits!] })
    }
    let extractor = model.network.extractorName
    let trained = model.parameters.filter { parameter in
      parameter.role != .statistic && extractor.map { !parameter.name.hasPrefix($0) } ?? true
    }
    for parameter in trained { parameter.tensor.requiresGradient = true }
    let optimiser = AdamW([ParameterGroup(trained, weightDecay: 0.01)])
    let loss = CTCLoss(labels: model.vocabulary.count, blank: model.vocabulary.blank)
    var draws: UInt64 = 0
    func step() throws -> Float {
      draws += 1
      let pass = Pass(training: kind == "step", precision: precision, seed: draws)
      let tape = Tape()
      let value = try tape.recording {
        let (logits, segments) = model.network(batch, pass)
        let utterances = (0..<count).map { index in
          CTCUtterance(
            name: "\(index)",
            segment: PackedSegment(
              firstRow: segments.range(index).lowerBound, rows: segments.range(index).count,
              frames: segments.validRange(index).count),
            target: (0..<40).map { Int32(1 + $0 % 20) })
        }
        return try loss.onTape(logits: logits, utterances: utterances, policy: .fail).0
      }
      tape.backward(from: value)
      let scale = 1 / Double(count)
      let norm = optimiser.gradientNorm() * scale
      optimiser.update(rate: 1e-4, gradientFactor: norm > 1 ? scale / norm : scale)
      return value.scalar * Float(scale)
    }
    var losses: [Float] = []
    return Work(
      run: {
        if kind == "step" {
          losses = [try step()]
        } else {
          losses = try (0..<3).map { _ in try step() }
        }
      },
      results: { [Tensor(losses, shape: [losses.count])] })
  }
}
