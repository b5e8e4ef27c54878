import Basics
package import SpeechCorpus

/// The manifests of a run, read all at once: a bad one is found before anything is done with a good one.
package struct AdaptationManifests: Sendable {
  /// nil where only unlabelled recordings train.
  package let train: Manifest?
  /// Chooses and, without `test`, judges.
  package let dev: Manifest?
  /// Source data, to measure forgetting by.
  package let retain: Manifest?
  /// Judges.
  package let test: Manifest?
  /// Source data that trains beside the target.
  package let replay: Manifest?
  /// Trains by what is heard in it.
  package let unlabelled: Manifest?

  /// - Throws: as `Manifest`; `.invalidData` where what trains also chooses, or either also judges.
  package init(
    train: String?, dev: String?, retain: String?, test: String?, replay: String? = nil,
    unlabelled: String? = nil
  ) throws {
    guard train != nil || unlabelled != nil else {
      throw IdiolectError(
        .invalidArgument, "nothing to train on: give --train, or --unlabelled and --test")
    }
    self.train = try train.map { try Manifest(path: $0) }
    self.unlabelled = try unlabelled.map { try Manifest(path: $0, requiresText: false) }
    self.dev = try dev.map { try Manifest(path: $0) }
    self.retain = try retain.map { try Manifest(path: $0) }
    self.test = try test.map { try Manifest(path: $0) }
    self.replay = try replay.map { try Manifest(path: $0) }
    let judges = (self.test?.utterances ?? []) + (self.retain?.utterances ?? [])
    let purpose = "a verdict needs data that chose nothing"
    let training = self.train?.utterances ?? []
    try refuse(training, in: judges, "train also judge", purpose)
    try refuse(self.unlabelled?.utterances ?? [], in: judges, "train also judge", purpose)
    let replayed = self.replay?.utterances ?? []
    try refuse(replayed, in: judges, "are replayed also judge", purpose)
    guard let chooses = self.dev?.utterances else { return }
    try refuse(chooses, in: judges, "choose also judge", purpose)
    try refuse(
      training + (self.unlabelled?.utterances ?? []), in: chooses, "train also choose",
      "what the model has seen cannot tell when it is best")
    try refuse(
      replayed, in: chooses, "are replayed also choose",
      "what the model has seen cannot tell when it is best")
  }

  private func refuse(
    _ some: [Utterance], in others: [Utterance], _ what: String, _ reason: String
  ) throws {
    let parts = Recordings(others)
    let leaked = some.filter(parts.overlap)
    guard leaked.isEmpty else {
      throw IdiolectError(
        .invalidData,
        "\(leaked.count) utterances that \(what), first \(leaked[0].id); \(reason): take them out of one manifest"
      )
    }
  }

  /// Lines that could not be read.
  package var quarantine: Quarantine {
    var quarantine = Quarantine()
    for manifest in [train, dev, retain, test, replay, unlabelled] {
      if let manifest { quarantine.add(manifest.quarantine) }
    }
    return quarantine
  }
}
