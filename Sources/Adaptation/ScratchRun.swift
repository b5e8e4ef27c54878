import AcousticModels
import Basics
import Foundation
import SpeechCorpus
import SpeechText
public import TensorEngine
import Transcription

/// A network trained from random weights, or on from those of another, by the trainer that adapts.
public struct ScratchRequest: Sendable {
  public var train: String
  /// Utterances that make up `settings.leadShare` of the audio in the last third of training.
  public var lead: String?
  /// Chooses; a tenth of train without it.
  public var dev: String?
  public var output: String
  /// A model directory whose weights training begins with; `network` is not looked at then.
  public var start: String?
  public var network = ScratchNetwork.fastConformer(FastConformerConfiguration())
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

  /// Seeks weights from which a few updates on one speaker or accent lead far, with settings that serve it:
  /// those of adapting to one person.
  public mutating func seeksFewShot(by task: Reptile.Task) {
    settings.task = task
    settings.liveStatistics = false
    settings.learningRate = 3e-4
    settings.batchSeconds = 20
    settings.epochs = 5
  }
}

/// One training to a model directory, without a base that it is compared with.
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
    guard settings.task == nil || (settings.averageDecay == nil && settings.accumulation == 1)
    else {
      throw IdiolectError(
        .invalidArgument,
        "tasks have their own course of weights: leave averaging and accumulation out")
    }
    let files = TrainingDirectory(output: request.output)
    if let start = request.start { try files.refuse(base: start) } else { try refuseMoreThanFits() }
    let manifest = try Manifest(path: request.train)
    let held = try request.dev.map { try Manifest(path: $0) }
    let lead = try request.lead.map { try Manifest(path: $0) }
    var quarantine = manifest.quarantine
    for other in [held, lead] { other.map { quarantine.add($0.quarantine) } }
    // Every character has a label in this one: which are worth one, usable texts alone can tell.
    let provisional = try network(manifest.utterances + (lead?.utterances ?? []))
    let lock = try TrainingLock(files)
    defer { withExtendedLifetime(lock) {} }
    try files.prepare(resumes: request.resumes)
    func usable(_ manifest: Manifest, trains: Bool) throws -> [Utterance] {
      guard request.checksRecordings else { return manifest.utterances }
      let checked = Preflight(
        manifest, for: provisional, vocabulary: trains ? provisional.vocabulary : nil, say: say)
      quarantine.add(checked.quarantine)
      try quarantine.write(to: files.quarantine)
      guard !checked.usable.isEmpty else {
        throw IdiolectError(
          .invalidData,
          "\(manifest.path): none of its utterances can be used; see \(files.quarantine)")
      }
      return checked.usable
    }
    var dev = try held.map { try usable($0, trains: false) } ?? []
    var leading = try lead.map { try usable($0, trains: true) } ?? []
    var training = try usable(manifest, trains: true)
    if let task = settings.task {
      try refuseTooFewTasks(training, task)
    } else if held == nil {
      let split = Recordings.holdingOut(fraction: 0.1, of: training, seed: settings.seed)
      (training, dev) = (split.kept, split.held)
    } else {
      // No verdict follows, and to learn a few clips by heart is a fair trial: but let it be known.
      let shared = (training + leading).count(where: Recordings(dev).overlap)
      if shared > 0 {
        say(
          "\(shared) utterances of train are in dev too: its errors tell how well they are learnt, not what the network can do"
        )
      }
    }
    let stray = StrayCharacters(
      training + leading, normalizer: provisional.normalizer, known: nil, source: request.train)
    stray.note.map(say)
    let lost = Set(stray.quarantine.entries.map(\.utterance))
    training.removeAll { lost.contains($0.id) }
    leading.removeAll { lost.contains($0.id) }
    quarantine.add(stray.quarantine)
    let model = try network(training + leading)
    let startHash = try request.start.map { try WeightStore(directory: $0).sha256() }
    let vocabulary = model.vocabulary
    say("\(model.parameterCount) parameters, \(vocabulary.count) labels")
    try quarantine.write(to: files.quarantine)
    let (groups, saved) = try Strategy.full.apply(
      to: model, newLabels: false, layerDecay: 1, weightDecay: settings.weightDecay,
      seed: settings.seed)
    let corpus = TrainingCorpus(
      training, mixing: leading, model: model, cacheBytes: settings.featureCacheBytes)
    let devSet = DevSet(
      dev, source: request.dev ?? request.train, model: model, precision: settings.precision)
    let trainer = Trainer(
      model: model, parameters: saved, groups: groups, corpus: corpus, settings: settings,
      files: files,
      fingerprint: try RunFingerprint(
        settings: settings, base: startHash ?? "",
        strategy: "scratch \(request.network.configuration)",
        vocabulary: vocabulary, utterances: training + leading + dev
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
      "start": request.start.map { .string($0) } ?? .null,
      "start_sha256": startHash.map { .string($0) } ?? .null,
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

  private func refuseTooFewTasks(_ utterances: [Utterance], _ task: Reptile.Task) throws {
    if let nameless = utterances.first(where: { task.name(of: $0) == nil }) {
      throw IdiolectError(
        .invalidData,
        "\(request.train): line \(nameless.line): no \(task.rawValue), which makes the tasks; give each utterance one"
      )
    }
    guard Set(utterances.map(task.name)).count >= 2 else {
      throw IdiolectError(
        .invalidData,
        "\(request.train): a single \(task.rawValue) is no choice of tasks; give several")
    }
  }

  /// Weights, gradients and two moments of each parameter, in float32, must fit before anything else does.
  private func refuseMoreThanFits() throws {
    let parameters = request.network.matrixParameters
    let (needed, present) = (parameters * 16, Double(ProcessInfo.processInfo.physicalMemory))
    guard needed > present else { return }
    func gigabytes(_ bytes: Double) -> String { decimals(bytes / 1e9, bytes < 1e10 ? 1 : 0) }
    throw IdiolectError(
      .invalidArgument,
      "a network of more than \(decimals(parameters / 1e6, 0)) million parameters takes more than \(gigabytes(needed)) GB to train, and this machine has \(gigabytes(present)); choose a narrower or shallower one"
    )
  }

  /// Random weights and the characters of some texts as labels; or the weights and labels training starts
  /// from, and what characters those lack.
  private func network(_ utterances: [Utterance]) throws -> AcousticModel {
    if let start = request.start {
      let model = try AcousticModel(directory: start)
      let alphabet = Alphabet(texts: utterances.map { model.normalizer($0.text) })
      guard !alphabet.outside(model.vocabulary).isEmpty else { return model }
      return try model.replacingLabels(
        LabelTransfer(base: model.vocabulary, alphabet: alphabet, mode: .extend),
        seed: request.settings.seed)
    }
    let normalizer = TextNormalizer()
    return try AcousticModel(
      random: request.network.configuration, seed: request.settings.seed,
      vocabulary: Vocabulary(
        characters: Alphabet(texts: utterances.map { normalizer($0.text) }).characters),
      frontEnd: request.network.frontEnd, normalizer: normalizer)
  }
}
