import Basics
import Foundation

/// `OUTPUT/training`: the checkpoints of a run, its quarantine, and the model that is not shipped yet.
///
/// What lies in OUTPUT itself changes only at the very end, by renaming: a run that fails, is killed or
/// finds the disk full leaves an older model there as it was.
package struct TrainingDirectory: Sendable {
  private let output: String
  /// Where the course is written.
  package let log: String

  package init(output: String) { self.init(output: output, log: "\(output)/training") }

  private init(output: String, log: String) { (self.output, self.log) = (output, log) }

  package var path: String { "\(output)/training" }
  /// The latest state, moments included: what `--resume` goes on from.
  package var last: String { "\(path)/last.safetensors" }
  /// The weights with the lowest dev CER.
  package var best: String { "\(path)/best.safetensors" }
  /// What the frozen part of the network gives, while the run lasts.
  package var frozen: String { "\(path)/frozen-states" }
  package var quarantine: String { "\(path)/quarantine.jsonl" }
  /// Where the finished model is written before it is shipped.
  package var candidate: String { "\(path)/candidate" }
  /// Lies there once the model of this training has been shipped.
  private var complete: String { "\(path)/complete" }

  /// Where a round of training on unlabelled recordings keeps its checkpoints; its course is part of the run's.
  package func round(_ number: Int, resumes: Bool) throws -> TrainingDirectory {
    try within("round-\(number)", resumes: resumes, log: log)
  }

  /// Where a trial of an automatic choice keeps its checkpoints.
  package func trial(_ number: Int, resumes: Bool) throws -> TrainingDirectory {
    try within("trial-\(number)", resumes: resumes)
  }

  /// Where the network that a new alphabet is compared with keeps its checkpoints.
  package func rival(resumes: Bool) throws -> TrainingDirectory {
    try within("from-scratch", resumes: resumes)
  }

  private func within(
    _ name: String, resumes: Bool, log: String? = nil
  ) throws -> TrainingDirectory {
    let output = "\(path)/\(name)"
    let part = TrainingDirectory(output: output, log: log ?? "\(output)/training")
    try part.prepare(resumes: resumes)
    return part
  }

  package var holdsCheckpoint: Bool { FileManager.default.fileExists(atPath: last) }

  /// The directories of trials, rounds and a rival.
  private var parts: [TrainingDirectory] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.sorted().filter { name in
      ["trial-", "round-", "from-scratch"].contains { name.hasPrefix($0) }
    }.map { TrainingDirectory(output: "\(path)/\($0)") }
  }

  private func removeParts() {
    for part in parts { try? FileManager.default.removeItem(atPath: part.output) }
  }

  /// Makes the directory, and clears it of what earlier runs left unless this one resumes.
  ///
  /// - Throws: `.invalidArgument` when an interrupted run would be lost; `.inputOutput`.
  package func prepare(resumes: Bool) throws {
    let files = FileManager.default
    try AtomicFile.makeDirectory(path)
    if !resumes {
      let interrupted = ([self] + parts).first(where: \.holdsCheckpoint)
      guard interrupted == nil || files.fileExists(atPath: complete) else {
        throw IdiolectError(
          .invalidArgument,
          "\(interrupted?.last ?? last): the checkpoint of an interrupted run; go on with --resume, or remove \(path) to start over"
        )
      }
    }
    // With nothing to go on from, an older run's marks would be taken for this one's.
    if !resumes {
      try? files.removeItem(atPath: frozen)
      removeParts()
    }
    if !resumes || !([self] + parts).contains(where: \.holdsCheckpoint) {
      MetricsLog.remove(from: path)
    }
    if !resumes || !holdsCheckpoint {
      for file in [last, best, complete] { try? files.removeItem(atPath: file) }
    }
    // Half-written files of a run that was killed; nothing else would ever remove them.
    for name in try files.contentsOfDirectory(atPath: path) where name.contains(".partial-") {
      try? files.removeItem(atPath: "\(path)/\(name)")
    }
    try? files.removeItem(atPath: candidate)
  }

  /// Moves the candidate's files into the output directory, weights last.
  package func ship() throws {
    let files = FileManager.default
    let weights = "model.safetensors"
    let names = try files.contentsOfDirectory(atPath: candidate)
    for name in names.filter({ $0 != weights }).sorted() + [weights] {
      if name == TrainingDirectory.adapter {
        try? files.removeItem(atPath: "\(output)/\(name)")
      }
      guard rename("\(candidate)/\(name)", "\(output)/\(name)") == 0 else {
        throw IdiolectError(
          .inputOutput,
          "\(output)/\(name): cannot replace this file: \(String(cString: strerror(errno))); the model lies in \(candidate)"
        )
      }
    }
    // An older model's files would contradict the new one's.
    for name in TrainingDirectory.optional where !names.contains(name) {
      try? files.removeItem(atPath: "\(output)/\(name)")
    }
    // The model is in its place: that the mark cannot be made is no failure any more.
    try? AtomicFile.write("", to: complete)
    try? files.removeItem(atPath: candidate)
    try? files.removeItem(atPath: frozen)
    removeParts()
  }

  /// Takes the adapter out of what is shipped, and keeps it beside the checkpoints.
  package func keepAdapter() throws {
    let name = TrainingDirectory.adapter
    try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
    guard rename("\(candidate)/\(name)", "\(path)/\(name)") == 0 else {
      throw IdiolectError(
        .inputOutput, "\(path)/\(name): cannot be made: \(String(cString: strerror(errno)))")
    }
  }

  /// The folder of an adapter by itself, in a model directory.
  package static let adapter = "adapter"
  private static let optional = [
    adapter, "tokenizer.json", "vocab.json", "preprocessor_config.json", "special_tokens_map.json",
    "added_tokens.json", "model.safetensors.index.json",
  ]

  /// - Throws: `.invalidArgument` when the output is the directory of the base.
  package func refuse(base: String) throws {
    try refuse(base, "the base model itself, which would be lost")
  }

  package func refuse(adapter: String) throws {
    try refuse(adapter, "an adapter, which a whole model would lie beside")
  }

  private func refuse(_ other: String, _ what: String) throws {
    func real(_ path: String) -> String {
      URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }
    guard real(other) != real(output) else {
      throw IdiolectError(
        .invalidArgument, "\(output): the output is \(what); choose another directory")
    }
  }
}
