import Basics
package import SpeechCorpus
import SpeechText

/// The utterances of a run by their purposes: what trains, what chooses, what judges.
package struct AdaptationData: Sendable {
  /// What a manifest is for.
  package enum Use {
    case trains, isHeldOut
    /// Trains by what is heard in it.
    case isUnlabelled
  }

  /// Looks at the recordings of a manifest before they are parted.
  package typealias Check = (_ manifest: Manifest, _ use: Use) throws -> (
    usable: [Utterance], quarantine: Quarantine
  )

  /// Trains.
  package var train: [Utterance]
  /// Trains by what is heard in it.
  package let unlabelled: [Utterance]
  /// Trains beside the target, for the base's knowledge.
  package var replay: [Utterance]
  /// Chooses when to stop and which weights are best.
  package let selection: [Utterance]
  /// Judges; chose nothing.
  package let verdict: [Utterance]
  /// Source data; judges forgetting, and chooses nothing either. Empty when that is not measured.
  package let retained: [Utterance]
  /// Source data that helps to choose; empty where there is too little for both.
  package let retainedSelection: [Utterance]
  /// Whether all of train chooses, each utterance by networks that trained on the others, and judges where there
  /// is no `--test`.
  package let isCrossValidated: Bool
  package var quarantine: Quarantine
  /// How the parts were made, for the report.
  package private(set) var notes: [String] = []
  /// The manifests that `selection` and `verdict` are from.
  package let selectionSource, verdictSource: String

  /// - Parameters:
  ///   - holdsOut: whether some of train chooses where there is no dev.
  ///   - crossValidates: whether train chooses and judges by cross-validation instead, where it is small.
  ///   - check: gives the usable utterances of each manifest; takes all without it.
  /// - Throws: `.invalidData` with too little data to hold any out; `.invalidArgument` where nothing would
  ///   judge; what `check` throws.
  package init(
    _ manifests: AdaptationManifests, seed: UInt64, holdsOut: Bool = true,
    crossValidates: Bool = false,
    check: Check = { manifest, _ in (manifest.utterances, Quarantine()) }
  ) throws {
    guard manifests.train != nil || manifests.test != nil else {
      throw IdiolectError(
        .invalidArgument,
        "with no labelled data nothing could be proved: give a few labelled utterances by --test")
    }
    guard holdsOut || (manifests.test != nil && manifests.dev == nil) else {
      throw IdiolectError(
        .invalidArgument,
        "with nothing held out of train, --test judges and no dev set chooses: give --test, and no --dev"
      )
    }
    var quarantine = manifests.quarantine
    func usable(_ manifest: Manifest, _ use: Use = .isHeldOut) throws -> [Utterance] {
      let checked = try check(manifest, use)
      quarantine.add(checked.quarantine)
      return checked.usable
    }
    // The held-out data first: it is the least, and what is wrong with it is found soonest.
    var dev = try manifests.dev.map { try usable($0) }
    let test = try manifests.test.map { try usable($0) }
    let allRetained = try manifests.retain.map { try usable($0) } ?? []
    var replay = try manifests.replay.map { try usable($0, .trains) } ?? []
    var heardOnly = try manifests.unlabelled.map { try usable($0, .isUnlabelled) } ?? []
    var training = try manifests.train.map { try usable($0, .trains) } ?? []
    var notes: [String] = []
    // Under the same name they were refused before anything was read.
    func partCopies(
      _ utterances: [Utterance], of others: [Utterance], that purpose: String, _ source: String
    ) throws -> [Utterance] {
      let (kept, copies) = Recordings.withoutCopies(
        utterances, of: others, that: purpose, source: source)
      quarantine.add(copies)
      if !copies.isEmpty { notes.append("\(source): \(copies.summary(limit: 3))") }
      guard !kept.isEmpty else {
        throw IdiolectError(
          .invalidData,
          "\(source): each of its recordings \(purpose) too, under another name; give others")
      }
      return kept
    }
    let judges = (test ?? []) + allRetained
    if let devPath = manifests.dev?.path {
      dev = try partCopies(dev ?? [], of: judges, that: "judges", devPath)
    }
    if let path = manifests.replay?.path {
      replay = try partCopies(
        replay, of: judges + (dev ?? []), that: "judges or chooses", path)
    }
    if let path = manifests.unlabelled?.path {
      heardOnly = try partCopies(
        heardOnly, of: judges + (dev ?? []), that: "judges or chooses", path)
    }
    if let path = manifests.train?.path {
      training = try partCopies(
        training, of: judges + (dev ?? []), that: "judges or chooses", path)
    }
    let distinct = Recordings.distinct(training)
    // Neither pseudo-labels nor a mixture that forgets less could be chosen by it.
    isCrossValidated =
      crossValidates && dev == nil && holdsOut && manifests.train != nil
      && manifests.unlabelled == nil && manifests.retain == nil
      && CrossValidation.isWorthwhile(distinct)
    var held: [Utterance]
    if let dev {
      held = dev
    } else if manifests.train == nil {
      held = []
      notes.append("no labelled data chooses: signs of a collapse end the training")
    } else if isCrossValidated {
      held = []
      notes.append(
        "\(distinct.count) utterances of \(decimals(distinct.seconds / 60, 1)) minutes are too few to hold any out: by cross-validation each is heard by a network that did not learn it"
      )
    } else if !holdsOut {
      held = []
      notes.append("nothing is held out of train: the last weights are kept")
    } else {
      guard training.count >= 4 else {
        throw IdiolectError(
          .invalidData,
          "\(manifests.train?.path ?? ""): \(training.count) utterances are too few to hold any out; give at least 4, or --dev"
        )
      }
      // As many as can judge, where a third suffices for that; two at the least: one to choose by, one to judge.
      let judged = Double(2 * ResamplingUnit.utterances.fewestUnits) / Double(distinct.count)
      let fraction = max(0.1, judged <= 1 / 3 ? judged : min(0.5, 2 / Double(distinct.count)))
      let split = Recordings.holdingOut(fraction: fraction, of: training, seed: seed)
      // Of so little each utterance counts, and another data set judges.
      let spares = test != nil && CrossValidation.isWorthwhile(distinct)
      notes.append(
        "of train, \(split.held.count) of \(training.count) utterances are held out, by \(split.unit.rawValue)"
          + (spares ? "; --keep-last would train on all of them" : "")
      )
      (training, held) = (split.kept, split.held)
    }
    held = Recordings.distinct(held)
    // What is held out of train may lie in what was given beside it, too.
    let parts = Recordings(held)
    replay.removeAll(where: parts.overlap)
    let given = heardOnly.count
    heardOnly.removeAll(where: parts.overlap)
    if let path = manifests.unlabelled?.path {
      heardOnly.removeAll(where: Recordings(training).overlap)
      guard !heardOnly.isEmpty else {
        throw IdiolectError(
          .invalidData,
          "\(path): each of its recordings has a text in train or chooses; leave --unlabelled out, or give others"
        )
      }
      if heardOnly.count < given {
        notes.append(
          "\(path): \(given - heardOnly.count) recordings have a text in train, which counts; \(heardOnly.count) are left"
        )
      }
    }
    if let test {
      (selection, verdict) = (held, test)
      notes.append("the verdict is by \(manifests.test?.path ?? "")")
    } else if isCrossValidated {
      (selection, verdict) = ([], [])
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
    if !selection.isEmpty, allRetained.count >= 2 * ResamplingUnit.utterances.fewestUnits {
      let halves = CorpusSplit.halving(allRetained, seed: seed)
      // What judges the target may be retained too, but then it must not choose.
      let judges = Recordings(test ?? []).overlap
      retainedSelection = halves.first.filter { !judges($0) }
      retained = halves.second + halves.first.filter(judges)
      notes.append(
        "retained data is halved by \(halves.unit.rawValue): \(retainedSelection.count) utterances choose, \(retained.count) judge"
      )
    } else {
      (retainedSelection, retained) = ([], allRetained)
    }
    self.train = training
    self.replay = replay
    unlabelled = heardOnly
    self.quarantine = quarantine
    self.notes = notes
    selectionSource = manifests.dev?.path ?? manifests.train?.path ?? ""
    verdictSource = manifests.test?.path ?? selectionSource
  }
}
