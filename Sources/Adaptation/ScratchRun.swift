public import AcousticModels
import Basics
import Foundation
import SpeechCorpus
import SpeechText
public import TensorEngine
import Transcription

/// A network trained from random weights, by the trainer that adapts.
public struct ScratchRequest: Sendable {
  public var train: String
  /// Chooses; a tenth of train without it.
  public var dev: String?
  public var output: String
  public var network = FastConformerConfiguration()
  public var settings = TrainingSettings()
  public var resumes = false
  /// Whether every recording is looked at before training.
  public var checksRecordings = true
  public var storage = SafetensorsTensor.Storage.float16

  public init(train: String, output: String) {
    self.train = train
    self.output = output
    settings.liveStatistics = true
    settings.learningRate = 1e-3
    settings.batchSeconds = 160
  }
}

/// One training from random weights to a model directory.
public final class ScratchRun {
  private let request: ScratchRequest
  private let say: (String) -> Void

  public init(_ request: ScratchRequest, say: @escaping (String) -> Void = { _ in }) {
    self.request = request
    self.say = say
  }

  /// Trains and writes the model directory.
  ///
  /// - Throws: what reading the manifests throws; `.invalidArgument` for sizes that make no network;
  ///   `.invalidData` when nothing is usable; `.inputOutput` when the output cannot be written.
  public func run() throws { try onEngine { try runOnEngine() } }

  private func runOnEngine() throws {
    let settings = request.settings
    let files = TrainingDirectory(output: request.output)
    let manifest = try Manifest(path: request.train)
    var quarantine = manifest.quarantine
    var training = manifest.utterances
    var dev: [Utterance]
    if let path = request.dev {
      let held = try Manifest(path: path)
      quarantine.add(held.quarantine)
      dev = held.utterances
    } else {
      let split = CorpusSplit.holdingOut(fraction: 0.1, of: training, seed: settings.seed)
      (training, dev) = (split.first, split.second)
    }
    let normalizer = TextNormalizer()
    let vocabulary = try Vocabulary(
      characters: Alphabet(texts: training.map { normalizer($0.text) }).characters)
    let model = try AcousticModel(
      random: request.network, seed: settings.seed, vocabulary: vocabulary, normalizer: normalizer)
    try files.prepare(resumes: request.resumes)
    say("\(model.parameterCount) parameters, \(vocabulary.count) labels")
    if request.checksRecordings {
      let checked = Preflight(training, for: model, source: request.train)
      say("\(checked.report)")
      training = checked.usable
      quarantine.add(checked.quarantine)
    }
    try quarantine.write(to: files.quarantine)
    let (groups, saved) = try Strategy.full.apply(
      to: model, newLabels: false, layerDecay: 1, weightDecay: settings.weightDecay,
      seed: settings.seed)
    let corpus = TrainingCorpus(training, model: model, cacheBytes: settings.featureCacheBytes)
    let devSet = DevSet(
      dev, source: request.dev ?? request.train, model: model, precision: settings.precision)
    let trainer = Trainer(
      model: model, parameters: saved, groups: groups, corpus: corpus, settings: settings,
      files: files,
      fingerprint: try RunFingerprint(
        settings: settings, base: "", strategy: "scratch \(request.network)",
        vocabulary: vocabulary, utterances: training + dev
      ).text,
      lookAtDev: dev.isEmpty ? nil : devSet.look, report: say)
    if request.resumes { try trainer.resume() }
    try trainer.run()
    quarantine.add(corpus.quarantine(source: request.train))
    quarantine.add(devSet.quarantine)
    try quarantine.write(to: files.quarantine)
    if !quarantine.isEmpty {
      say("\(quarantine.count) utterances quarantined: \(files.quarantine)")
    }
    let state = trainer.state
    let record: JSONValue = [
      "train": .string(request.train),
      "train_sha256": .string(try SHA256.hash(file: request.train).hex),
      "train_utterances": .integer(corpus.items.count),
      "train_seconds": .number(corpus.seconds.rounded()),
      "settings": try JSONValue(parsing: try JSONEncoder().encode(settings)),
      "steps": .integer(state.step), "wall_seconds": .number(state.seconds.rounded()),
      "audio_seconds": .number(state.audioSeconds.rounded()),
      "quarantined": .integer(quarantine.count),
      "dev_cer": state.best?.devCER.map { .number($0) } ?? .null,
      "dev_wer": state.best?.devWER.map { .number($0) } ?? .null,
      "software": .string("idiolect \(idiolectVersion)"),
    ]
    try model.write(
      to: files.candidate, storage: request.storage, record: [("training", record)])
    try files.ship()
    say("written to \(request.output)")
  }
}
