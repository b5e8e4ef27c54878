import AcousticModels
import Adaptation
import AudioIO
import Basics
import Foundation
import SpeechCorpus
import TensorEngine

/// Epochs with the lower layers frozen, through the trainer: recordings, kept states, every update.
///
/// The time is that of one batch in the epochs after the first, which computes the states.
enum FrozenEpochs {
  private static let recordings = 128
  /// Utterances of each recording, so that an epoch is long beside the checkpoint that ends it.
  private static let copies = 4
  private static let epochs = 3

  static func work(
    upper layers: Int, _ precision: Precision, directory: String, seconds: Int, count: Int
  ) throws -> Work {
    let scratch = try Scratch()
    let paths = try (0..<recordings).map { index in
      let path = "\(scratch.path)/\(index).wav"
      let noise = Catalogue.random([seconds * 16_000], index + 1, scale: 0.3)
      try AudioWriter.write(noise.values, sampleRate: 16_000, to: path)
      return path
    }
    let text = String((0..<40).map { Character(UnicodeScalar(97 + $0 % 20)!) })
    let utterances = (0..<recordings * copies).map {
      Utterance(id: "\($0)", audioPath: paths[$0 % recordings], text: text)
    }
    var settings = TrainingSettings()
    settings.epochs = epochs
    settings.batchSeconds = Double(seconds * count)
    (settings.speeds, settings.specAugment, settings.views) = ([], nil, 1)
    settings.precision = precision
    settings.patience = epochs + 1
    var each = 0.0
    return Work(
      run: { [settings] in
        let looks = try train(utterances, layers, directory, settings, scratch)
        // The first look is before training, the second ends the epoch that computes.
        each = looks[1].duration(to: looks[epochs]) / .seconds(1)
        each /= Double(utterances.count / count * (epochs - 1))
      }, results: { [] }, seconds: { each })
  }

  /// When the looks were.
  private static func train(
    _ utterances: [Utterance], _ layers: Int, _ directory: String, _ settings: TrainingSettings,
    _ scratch: Scratch
  ) throws -> [ContinuousClock.Instant] {
    let model = try AcousticModel(directory: directory)
    let (groups, saved) = try Strategy.upper(layers: layers).apply(
      to: model, newLabels: false, layerDecay: 1, weightDecay: 0.01, seed: 1)
    let corpus = TrainingCorpus(utterances, model: model, cacheBytes: 0)
    var frozen = FrozenPart(groups, of: model.network)!
    let files = TrainingDirectory(output: scratch.path)
    try? FileManager.default.removeItem(atPath: files.path)
    try files.prepare(resumes: false)
    frozen.states = try FrozenStates(
      path: files.frozen, run: "", hiddenSize: model.network.sizes.layerWidth(frozen.layers),
      report: { _ in })
    var looks: [ContinuousClock.Instant] = []
    try Trainer(
      model: model, parameters: saved, groups: groups, frozen: frozen, corpus: corpus,
      settings: settings, files: files, fingerprint: "",
      lookAtDev: {
        looks.append(ContinuousClock().now)
        return DevScore(characterErrorRate: 1, wordErrorRate: 1)
      }, report: { _ in }
    ).run()
    return looks
  }

  /// A directory that goes with the work.
  private final class Scratch {
    let path = NSTemporaryDirectory() + "idiolect-bench-\(getpid())"
    init() throws { try AtomicFile.makeDirectory(path) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }
}
