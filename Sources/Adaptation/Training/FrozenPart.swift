import AcousticFeatures
package import AcousticModels
import Basics
import CKernels
import Foundation
import SpeechCorpus
package import TensorEngine

/// The encoder layers below the lowest one that trains.
///
/// They run as in evaluation, without dropout, so that an utterance's states need computing once for each of
/// its views.
package struct FrozenPart {
  /// Encoder layers from the bottom, at least one.
  package let layers: Int
  /// Where states are kept; nil where they are computed whenever they are needed.
  package var states: FrozenStates?

  /// nil where the lowest encoder layer trains, or what lies below it.
  package init?(_ groups: [ParameterGroup], of network: any AcousticNetwork) {
    let depths = groups.flatMap(\.parameters).map { network.depth(of: $0) }
    layers = network.layers.count - (depths.max() ?? 0)
    guard layers > 0 else { return nil }
  }

  /// Views that each utterance has where no number is given: fixed ones where half of the network is frozen
  /// and there is something to save, else fresh ones.
  package func defaultViews(_ settings: TrainingSettings, layerCount: Int) -> Int? {
    guard 2 * layers >= layerCount else { return nil }
    return settings.specAugment == nil && settings.speeds.allSatisfy { $0 == 1 } ? 1 : 8
  }

  /// Opens the file of states where the run has fixed views and the disk has room for them, and says so.
  mutating func open(
    _ path: String, _ model: AcousticModel, _ utterances: [Utterance], _ settings: TrainingSettings,
    run: String, say: @escaping (String) -> Void
  ) throws {
    let network = model.network.sizes
    let what = "the lower \(layers) of \(network.layerCount) layers are frozen: what they give"
    guard let views = settings.views else {
      return say("\(what) is computed anew for every epoch's augmentation")
    }
    let rows = utterances.reduce(0.0) { sum, utterance in
      let seconds = (utterance.durationSeconds ?? 10) / (settings.speeds.min() ?? 1)
      let samples = Int(seconds * Double(model.frontEnd.sampleRate))
      return sum + Double(model.outputFrames(samples: samples))
    }
    let ratio = Double(network.subsamplingFactor) / Double(network.layerSubsamplingFactor)
    let bytes = rows * ratio * Double(network.layerWidth(layers) * 2 * views)
    let size = decimals(bytes / 1e6, bytes < 1e7 ? 1 : 0)
    let of = views == 1 ? "each utterance" : "\(views) views of each utterance"
    guard bytes < FrozenPart.free(path) else {
      return say("\(what) for \(of) would take \(size) MB, more than the disk has: not kept")
    }
    say("\(what) is computed once for \(of) and kept, at most \(size) MB")
    states = try FrozenStates(
      path: path, run: run, hiddenSize: network.layerWidth(layers), report: say)
  }

  /// Bytes that a file may grow to.
  private static func free(_ path: String) -> Double {
    var (disk, file) = (statvfs(), stat())
    guard statvfs(FilePath.directory(of: path), &disk) == 0 else { return .infinity }
    let present = stat(path, &file) == 0 ? Double(file.st_size) : 0
    return Double(disk.f_bavail) * Double(disk.f_frsize) + present
  }
}

extension Trainer {
  /// The logits of a batch, of all of the network or of what is above its frozen part; and the teacher's, if
  /// there is one.
  func logits(
    _ batch: TrainingBatch, _ pass: Pass
  ) -> (logits: Tensor, taught: Tensor?, segments: Segments) {
    let evaluation = Pass.evaluation(settings.precision)
    guard let frozen else {
      let features = FeatureBatch(batch.features)
      let (logits, segments) = model.network(features, pass)
      return (logits, teacher?.logits(features, evaluation), segments)
    }
    let (hidden, rows) =
      settings.views == nil
      ? model.network.lower(FeatureBatch(batch.features), depth: frozen.layers, evaluation)
      : packed(batch.inputs.enumerated().map { states($1, item: batch.items[$0], batch.view) })
    let (logits, segments) = model.network.upper(hidden, rows, depth: frozen.layers, pass)
    return (logits, teacher?.logits(hidden, rows, depth: frozen.layers, evaluation), segments)
  }

  /// An utterance by itself, so that what else was in its batch changes no bit.
  private func states(_ input: TrainingInput, item: Int, _ view: Int) -> HiddenStates {
    switch input {
    case .states(let states): return states
    case .features(let features):
      let (hidden, segments) = model.network.lower(
        FeatureBatch([features]), depth: frozen!.layers, .evaluation(settings.precision))
      let states = HiddenStates(
        rows: segments.range(0).count, rounding: hidden.pointer, count: hidden.count)
      frozen!.states?.add(states, item: item, view: view)
      return states
    }
  }

  private func packed(_ utterances: [HiddenStates]) -> (hidden: Tensor, segments: Segments) {
    let size = model.network.sizes.layerWidth(frozen!.layers)
    let segments = Segments(frames: utterances.map(\.rows))
    let hidden = Tensor(uninitialised: [utterances.reduce(0) { $0 + $1.rows }, size])
    for (index, states) in utterances.enumerated() {
      let first = segments.range(index).lowerBound
      ck_widen_bf16(hidden.pointer + first * size, states.halves, states.halves.count)
    }
    return (hidden, segments)
  }
}
