import AcousticModels
import Basics
package import SpeechCorpus
import SpeechText

/// The manifests of a run, split for their purposes: what trains, what chooses, what judges.
package struct AdaptationData: Sendable {
  /// Trains.
  package var train: [Utterance]
  /// Chooses when to stop and which weights are best.
  package var selection: [Utterance]
  /// Judges; chose nothing.
  package var verdict: [Utterance]
  /// Source data, halved alike; empty when forgetting is not measured.
  package var retained: [Utterance]
  package var quarantine: Quarantine
  /// How the parts were made, for the report.
  package var notes: [String]

  /// - Parameters:
  ///   - test: judges, if given; then all of dev chooses.
  /// - Throws: as `Manifest`; `.invalidData` with too little data to hold any out.
  package init(
    train: String, dev: String?, retain: String?, test: String?, seed: UInt64
  ) throws {
    let trainManifest = try Manifest(path: train)
    quarantine = trainManifest.quarantine
    notes = []
    var training = trainManifest.utterances
    var held: [Utterance] = []
    if let dev {
      let manifest = try Manifest(path: dev)
      quarantine.add(manifest.quarantine)
      held = manifest.utterances
    } else {
      guard training.count >= 4 else {
        throw IdiolectError(
          .invalidData,
          "\(train): \(training.count) utterances are too few to hold any out; give at least 4, or --dev"
        )
      }
      let split = CorpusSplit.holdingOut(fraction: 0.1, of: training, seed: seed)
      (training, held) = (split.first, split.second)
      notes.append(
        "a tenth of train is held out, by \(split.unit.rawValue): \(held.count) utterances")
    }
    if let test {
      let manifest = try Manifest(path: test)
      quarantine.add(manifest.quarantine)
      (selection, verdict) = (held, manifest.utterances)
      notes.append("the verdict is by \(test)")
    } else {
      guard held.count >= 2 else {
        throw IdiolectError(
          .invalidData,
          "\(held.count) held-out utterance cannot both choose and judge; give --dev or --test")
      }
      let halves = CorpusSplit.halving(held, seed: seed)
      (selection, verdict) = (halves.first, halves.second)
      notes.append(
        "held-out data is halved by \(halves.unit.rawValue): \(selection.count) utterances choose, \(verdict.count) judge"
      )
    }
    if let retain {
      let manifest = try Manifest(path: retain)
      quarantine.add(manifest.quarantine)
      retained = manifest.utterances
    } else {
      retained = []
    }
    let judged = Set(verdict.map(Recording.init) + retained.map(Recording.init))
    let leaked = (training + selection).filter { judged.contains(Recording($0)) }
    guard leaked.isEmpty else {
      throw IdiolectError(
        .invalidData,
        "\(leaked.count) recordings that train or choose also judge, first \(leaked[0].id); a verdict needs data that chose nothing: take them out of one manifest"
      )
    }
    self.train = training
  }

  private struct Recording: Hashable {
    let path: String
    let offset: Double
    init(_ utterance: Utterance) {
      path = utterance.audioPath
      offset = utterance.offsetSeconds
    }
  }
}
