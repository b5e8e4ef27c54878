import AcousticModels
import Basics
import CTC
import Dispatch
import Foundation
import SpeechCorpus
import SpeechText
public import TensorEngine
import Transcription

/// What to rank, and on what.
public struct RankingRequest: Sendable {
  /// Directories of the bases.
  public var models: [String]
  /// Of those that have several; nil for what is in their own weights.
  public var language: String?
  /// Manifest of the target.
  public var data: String
  /// Only so many minutes of it are looked at, drawn at random.
  public var minutes = 10.0
  /// Where a copy of a base learns the target's characters for the alignment, for how long, in seconds.
  public var alignmentSeconds = 60.0
  /// Where it is trained; removed afterwards.
  public var scratch: String
  public var precision = Precision.automatic
  public var seed: UInt64 = 1

  public init(models: [String], data: String, scratch: String) {
    (self.models, self.data, self.scratch) = (models, data, scratch)
  }
}

/// Ranks bases, and depths of each, for a target.
///
/// All of them are judged by the same labels of the same moments: one forced alignment, by the base that
/// spells the texts with the fewest errors. Where no base can write the target, a copy of the one that has most of
/// its characters is trained for a minute first: its output layer and its topmost encoder layer. The bases that are
/// ranked stay as they are.
public final class RankingRun {
  private let request: RankingRequest
  private let say: (String) -> Void
  /// The statistics of so many parts of the utterances tell how sure a score is.
  static let parts = 4

  public init(_ request: RankingRequest, say: @escaping (String) -> Void = { _ in }) {
    self.request = request
    self.say = say
  }

  /// - Throws: what reading models and the manifest throws; `.invalidData` where nothing is usable.
  public func run() throws -> Ranking { try onEngine { try runOnEngine() } }

  private func runOnEngine() throws -> Ranking {
    let begin = DispatchTime.now().uptimeNanoseconds
    let manifest = try Manifest(path: request.data)
    let models = try open()
    guard let first = models.first else {
      throw IdiolectError(.invalidArgument, "no model to rank; give at least one by --models")
    }
    var quarantine = manifest.quarantine
    let checked = Preflight(manifest, for: first, vocabulary: nil, say: say)
    quarantine.add(checked.quarantine)
    let utterances = some(of: checked.usable)
    guard !utterances.isEmpty else {
      throw IdiolectError(.invalidData, "\(request.data): none of its utterances can be used")
    }
    let bases = try models.enumerated().map { try describe($1, request.models[$0], utterances) }
    let (aligner, name) = try self.aligner(models, bases, utterances)
    let (labels, known) = align(utterances, aligner)
    guard !labels.isEmpty else {
      throw IdiolectError(
        .invalidData,
        "\(request.data): not one utterance can be aligned with its text, so nothing can be ranked")
    }
    var candidates: [Ranking.Candidate] = []
    var frames = 0
    for (model, path) in zip(models, request.models) {
      let (found, count) = try score(model, path, utterances, labels)
      candidates += found
      frames = max(frames, count)
    }
    candidates.sort { ($0.score ?? -1, $1.layers) > ($1.score ?? -1, $0.layers) }
    return Ranking(
      candidates: candidates, bases: bases, utterances: labels.count, frames: frames,
      labels: known, aligner: name, reachSeconds: FrameLabels.reach,
      seconds: Double(DispatchTime.now().uptimeNanoseconds - begin) * 1e-9, quarantine: quarantine)
  }

  /// The language goes to the bases that have several; where none has, the first says so.
  private func open() throws -> [AcousticModel] {
    let have = request.models.map { !LanguageAdapters.languages(in: $0).isEmpty }
    return try request.models.enumerated().map { index, path in
      try AcousticModel(
        directory: path, language: have[index] || !have.contains(true) ? request.language : nil)
    }
  }

  private func some(of utterances: [Utterance]) -> [Utterance] {
    var random = SeededRandom(seed: request.seed, 0x4A4E)
    var seconds = 0.0
    return random.shuffled(utterances).filter { utterance in
      seconds += utterance.durationSeconds ?? 10
      return seconds <= request.minutes * 60
    }
  }

  private func describe(
    _ model: AcousticModel, _ path: String, _ utterances: [Utterance]
  ) throws -> Ranking.Base {
    let coverage = LabelCoverage(of: utterances, by: model)
    guard coverage.canWrite else {
      return Ranking.Base(path: path, overlap: coverage.share, characterErrorRate: nil)
    }
    let evaluation = try Evaluation(
      utterances, transcriber: try Transcriber(model: model, precision: request.precision))
    return Ranking.Base(
      path: path, overlap: coverage.share, characterErrorRate: evaluation.characters.rate)
  }

  /// The model that aligns: the base with the fewest errors, or one whose output layer learns the alphabet.
  private func aligner(
    _ models: [AcousticModel], _ bases: [Ranking.Base], _ utterances: [Utterance]
  ) throws -> (AcousticModel, String) {
    let able = bases.indices.filter { bases[$0].characterErrorRate != nil }
    if let best = able.min(by: {
      bases[$0].characterErrorRate! < bases[$1].characterErrorRate!
    }) {
      return (models[best], bases[best].path)
    }
    let best = bases.indices.max { bases[$0].overlap < bases[$1].overlap }!
    let base = models[best]
    let alphabet = Alphabet(texts: utterances.map { base.normalizer($0.text) })
    let learns = "output layer and topmost encoder layer"
    say(
      "no base can write the target: a copy of \(bases[best].path) learns its characters, \(learns), in \(decimals(request.alignmentSeconds, 0)) s"
    )
    let model = try base.replacingLabels(
      LabelTransfer(base: base.vocabulary, alphabet: alphabet, mode: .replace), seed: request.seed)
    var settings = TrainingSettings()
    settings.minutes = request.alignmentSeconds / 60
    settings.learningRate = 3e-3
    settings.batchSeconds = 60
    settings.precision = request.precision
    settings.seed = request.seed
    // The topmost layer as well: an output layer alone learns peaks that are seldom in their place.
    let (groups, saved) = try Strategy.upper(layers: 1).apply(
      to: model, newLabels: true, layerDecay: 1, weightDecay: settings.weightDecay,
      seed: request.seed)
    let files = TrainingDirectory(output: request.scratch)
    try files.prepare(resumes: false)
    defer { try? FileManager.default.removeItem(atPath: files.path) }
    try Trainer(
      model: model, parameters: saved, groups: groups,
      frozen: FrozenPart(groups, of: model.network),
      corpus: TrainingCorpus(utterances, model: model, cacheBytes: settings.featureCacheBytes),
      settings: settings, files: files, fingerprint: "", lookAtDev: nil, report: { _ in }
    ).run()
    return (model, "a copy of \(bases[best].path), its \(learns) trained for this")
  }

  /// Labels by utterance, where there is an alignment; and how many labels there are.
  private func align(
    _ utterances: [Utterance], _ model: AcousticModel
  ) -> ([String: FrameLabels], Int) {
    var found: [String: FrameLabels] = [:]
    var labels = Set<Int32>()
    let bar = ProgressBar("aligning", total: utterances.count)
    defer { bar.finish() }
    let corpus = TrainingCorpus(utterances, model: model, cacheBytes: 0)
    for (index, item) in corpus.items.enumerated() {
      bar.advance()
      guard let features = corpus.features(index, speed: 1) else { continue }
      let (logits, segments) = model.network(FeatureBatch([features]), evaluation)
      let rows = segments.validRange(0)
      let valid = UnsafeBufferPointer(
        start: logits.pointer + rows.lowerBound * logits.columns,
        count: rows.count * logits.columns)
      guard
        let alignment = try? ForcedAlignment(
          of: item.target, to: valid, labels: logits.columns, blank: model.vocabulary.blank,
          name: item.utterance.id)
      else { continue }
      labels.formUnion(item.target)
      found[item.utterance.id] = FrameLabels(alignment, hopSeconds: model.outputHopSeconds)
    }
    return (found, labels.count)
  }

  private var evaluation: Pass { .evaluation(request.precision) }

  /// The H-score of every depth of a model.
  private func score(
    _ model: AcousticModel, _ path: String, _ utterances: [Utterance],
    _ labels: [String: FrameLabels]
  ) throws -> ([Ranking.Candidate], frames: Int) {
    let depths = model.network.layers.count + 1
    var statistics = (0..<depths).map { depth in
      [FrameStatistics](
        repeating: FrameStatistics(size: model.network.sizes.layerWidth(depth)),
        count: RankingRun.parts)
    }
    let corpus = TrainingCorpus(utterances, model: model, cacheBytes: 0)
    let bar = ProgressBar("scoring \(path)", total: utterances.count)
    for (index, item) in corpus.items.enumerated() {
      bar.advance()
      guard let wanted = labels[item.utterance.id],
        let features = corpus.features(index, speed: 1)
      else { continue }
      let (states, segments) = model.network.states(FeatureBatch([features]), evaluation)
      let rows = segments.validRange(0)
      let all = wanted.labels(frames: rows.count, hopSeconds: model.layerHopSeconds)
      let kept = all.indices.filter { all[$0] != nil }
      for (depth, state) in states.enumerated() {
        let size = state.columns
        let values = kept.flatMap { row in
          UnsafeBufferPointer(
            start: state.pointer + (rows.lowerBound + row) * size, count: size)
        }
        statistics[depth][index % RankingRun.parts].add(values, labels: kept.map { all[$0]! })
      }
    }
    bar.finish()
    let candidates = (1..<depths).map { depth in
      let empty = FrameStatistics(size: model.network.sizes.layerWidth(depth))
      let parts = statistics[depth]
      let score = HScore(parts.reduce(empty, +))?.value
      // Each part left out in turn: the jackknife's standard error.
      let without = parts.indices.compactMap { out in
        HScore(parts.indices.filter { $0 != out }.reduce(empty) { $0 + parts[$1] })?.value
      }
      let mean = without.reduce(0, +) / Double(max(1, without.count))
      let n = Double(parts.count)
      let error =
        without.count == parts.count
        ? ((n - 1) / n * without.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot() : nil
      return Ranking.Candidate(
        base: path, layers: depth, allLayers: depths - 1, score: score, error: error)
    }
    return (candidates, statistics[0].reduce(0) { $0 + $1.count })
  }
}
