import Basics
package import SpeechCorpus
import SpeechText

/// The manifests of a run, split for their purposes: what trains, what chooses, what judges.
package struct AdaptationData: Sendable {
  /// Trains.
  package var train: [Utterance]
  /// Chooses when to stop and which weights are best.
  package let selection: [Utterance]
  /// Judges; chose nothing.
  package let verdict: [Utterance]
  /// Source data; judges forgetting, and chooses nothing either. Empty when that is not measured.
  package let retained: [Utterance]
  package var quarantine: Quarantine
  /// How the parts were made, for the report.
  package private(set) var notes: [String] = []
  /// The manifests that `selection` and `verdict` are from.
  package let selectionSource, verdictSource: String

  /// - Parameters:
  ///   - dev: chooses and, without `test`, judges; a tenth of train without it.
  ///   - test: judges, if given; then all of dev chooses.
  /// - Throws: as `Manifest`; `.invalidData` with too little data to hold any out, and where what
  ///   trains or chooses also judges.
  package init(
    train: String, dev: String?, retain: String?, test: String?, seed: UInt64
  ) throws {
    var quarantine = Quarantine()
    func utterances(_ path: String) throws -> [Utterance] {
      let manifest = try Manifest(path: path)
      quarantine.add(manifest.quarantine)
      return manifest.utterances
    }
    var notes: [String] = []
    var training = try utterances(train)
    var held: [Utterance]
    if let dev {
      held = try utterances(dev)
    } else {
      guard training.count >= 4 else {
        throw IdiolectError(
          .invalidData,
          "\(train): \(training.count) utterances are too few to hold any out; give at least 4, or --dev"
        )
      }
      // Two at the least: one to choose by, one to judge.
      let distinct = Recordings.distinct(training)
      let fraction = max(0.1, min(0.5, 2 / Double(distinct.count)))
      let split = CorpusSplit.holdingOut(fraction: fraction, of: distinct, seed: seed)
      held = split.second
      // A recording that stands in the manifest twice must not fall into both parts.
      let parts = Recordings(held)
      training = training.filter { !parts.overlap($0) }
      notes.append(
        "a tenth of train is held out, by \(split.unit.rawValue): \(held.count) utterances")
    }
    held = Recordings.distinct(held)
    if let test {
      (selection, verdict) = (held, try utterances(test))
      notes.append("the verdict is by \(test)")
    } else {
      guard held.count >= 2 else {
        throw IdiolectError(
          .invalidData,
          "\(held.count) held-out recording cannot both choose and judge; give --dev or --test")
      }
      let halves = CorpusSplit.halving(held, seed: seed)
      (selection, verdict) = (halves.first, halves.second)
      notes.append(
        "held-out data is halved by \(halves.unit.rawValue): \(selection.count) utterances choose, \(verdict.count) judge"
      )
    }
    retained = try retain.map(utterances) ?? []
    self.train = training
    self.quarantine = quarantine
    self.notes = notes
    selectionSource = dev ?? train
    verdictSource = test ?? dev ?? train
    try refuse(training, in: verdict + retained, "train also judge")
    try refuse(selection, in: verdict + retained, "choose also judge")
    try refuse(training, in: selection, "train also choose")
  }

  private func refuse(_ some: [Utterance], in others: [Utterance], _ what: String) throws {
    let parts = Recordings(others)
    let leaked = some.filter(parts.overlap)
    guard leaked.isEmpty else {
      throw IdiolectError(
        .invalidData,
        "\(leaked.count) utterances that \(what), first \(leaked[0].id); a verdict needs data that chose nothing: take them out of one manifest"
      )
    }
  }
}
