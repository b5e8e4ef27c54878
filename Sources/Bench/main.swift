import AcousticFeatures
import AcousticModels
import Basics
import CKernels
import CTC
import Foundation
import TensorEngine

nonisolated func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
nonisolated func bench() throws {
let hidden = Int(CommandLine.arguments[1])!, layers = Int(CommandLine.arguments[2])!, heads = Int(CommandLine.arguments[3])!
let channels = Int(CommandLine.arguments[4])!
let precision: Precision = CommandLine.arguments.count > 5 && CommandLine.arguments[5] == "f32" ? .float32 : .bfloat16
try onEngine {
  ck_set_threads(2)
  var c = FastConformerConfiguration()
  c.hiddenSize = hidden; c.layerCount = layers; c.headCount = heads; c.intermediateSize = hidden * 4
  c.subsamplingFactor = 4; c.subsamplingChannels = channels; c.labelCount = 29; c.blank = 28; c.layerDrop = 0
  let source = ParameterSource(seed: 1)
  let network = try FastConformer(c, from: source)
  for p in source.parameters where p.role != .statistic { p.tensor.requiresGradient = true }
  print("parameters", source.parameters.reduce(0) { $0 + $1.tensor.count })
  var random = SeededRandom(seed: 2)
  let features = (0..<32).map { i in
    let frames = 400 + i * 6
    return Features(frames: frames, bins: 80, validFrames: frames, values: (0..<frames * 80).map { _ in random.normal() })
  }
  let seconds = Double(features.reduce(0) { $0 + $1.validFrames }) / 100
  let loss = CTCLoss(labels: 29, blank: 28)
  for step in 0..<8 {
    let t0 = now()
    let tape = Tape()
    let batch = FeatureBatch(features)
    let pass = Pass(training: true, precision: precision, seed: UInt64(step))
    let (l, segments) = try tape.recording { () -> (Tensor, Segments) in
      let (logits, segments) = network(batch, pass)
      return (try loss.onTape(logits: logits, utterances: (0..<segments.count).map {
        CTCUtterance(name: "\($0)", segment: PackedSegment(firstRow: segments.range($0).lowerBound, rows: segments.range($0).count, frames: segments.validRange($0).count), target: (0..<40).map { Int32($0 % 28) })
      }, policy: .exclude).loss, segments)
    }
    let t1 = now()
    tape.backward(from: l)
    let t2 = now()
    for p in source.parameters { p.tensor.gradient = nil; p.tensor.didChange() }
    print("step", step, "forward", Int((t1 - t0) * 1000), "backward", Int((t2 - t1) * 1000), "ms;", Int(seconds / (t2 - t0)), "s/s; peak MB", Storage.peakBytes >> 20, l.scalar)
  }
}
}
try bench()
