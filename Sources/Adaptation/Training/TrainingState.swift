import Basics
import Foundation
package import TensorEngine

/// Where a training stands: enough, with the settings and the data, to go on to the bit.
package struct TrainingState: Codable, Sendable {
  package struct Look: Codable, Sendable {
    package var step: Int
    package var epoch: Int
    package var seconds: Double
    /// Mean training loss per label since the last look.
    package var loss: Double
    package var devCER: Double?
    package var devWER: Double?
    /// Of the frames of the batches since the last look, how many were blank; nil where a dev set tells more.
    package var blankShare: Double?

    package init(step: Int, epoch: Int, seconds: Double, loss: Double) {
      (self.step, self.epoch, self.seconds, self.loss) = (step, epoch, seconds, loss)
    }
  }

  package var step = 0
  package var epoch = 0
  /// Batches of the epoch that are done.
  package var batch = 0
  /// Batches that the epoch has.
  package var batches = 0
  /// Updates that moved the weights: fewer than steps where some were left out.
  package var updates = 0
  /// Steps in a row whose loss or gradient was not finite.
  package var brokenSteps = 0
  /// Wall time of training so far.
  package var seconds = 0.0
  package var audioSeconds = 0.0
  package var lossSum = 0.0
  package var lossCount = 0
  /// Of the batches since the last look, where no dev set tells more.
  package var frames = 0
  package var blankFrames = 0
  package var looks: [Look] = []
  package var best: Look?
  package var looksSinceBest = 0
  package var finished = false
  /// Utterances that at some speed had too few frames for their text, by name.
  package var infeasible: Set<String> = []
  /// Recordings that failed in training, by index, with the reason.
  package var failures: [Int: String] = [:]
  /// What the run was started with; resuming with anything else is refused.
  package var fingerprint = ""

  package init() {}

  /// Whether its counts are ones that a training can have come to.
  var isPossible: Bool {
    let counts = [
      step, epoch, batch, batches, updates, brokenSteps, lossCount, frames, blankFrames,
      looksSinceBest,
    ]
    return counts.allSatisfy { (0...1 << 48).contains($0) } && batch <= batches
      && [seconds, audioSeconds].allSatisfy { (0...1e12).contains($0) }
  }

  /// This state with the work of several stages in place of its own.
  package func withWork(of stages: [TrainingState]) -> TrainingState {
    var all = self
    (all.step, all.epoch, all.updates) = (0, 0, 0)
    (all.seconds, all.audioSeconds, all.infeasible) = (0, 0, [])
    for stage in stages {
      all.step += stage.step
      all.epoch += stage.epoch
      all.updates += stage.updates
      all.seconds += stage.seconds
      all.audioSeconds += stage.audioSeconds
      all.infeasible.formUnion(stage.infeasible)
    }
    return all
  }
}

/// The checkpoint of a running training: parameters, moments and state in one file, written whole.
package enum TrainingCheckpoint {
  /// - Parameters:
  ///   - parameters: everything that training changes, statistics too.
  ///   - moving: tensors of their shapes that move with them: averages, or where a task began.
  static func write(
    _ state: TrainingState, _ parameters: [Parameter], _ optimiser: AdamW,
    _ moving: (name: String, tensors: [Tensor])?, to path: String
  ) throws {
    let text = try TrainingCheckpoint.text(state)
    var tensors = parameters.map { parameter in
      SafetensorsTensor(parameter.name, shape: parameter.tensor.shape) { parameter.tensor.values }
    }
    for slot in optimiser.slots {
      for (kind, tensor) in [("first", slot.first), ("second", slot.second)] {
        tensors.append(
          SafetensorsTensor("\(kind):\(slot.parameter.name)", shape: tensor.shape) {
            tensor.values
          })
      }
    }
    for (parameter, tensor) in zip(parameters, moving?.tensors ?? []) {
      tensors.append(
        SafetensorsTensor("\(moving!.name):\(parameter.name)", shape: tensor.shape) {
          tensor.values
        })
    }
    try SafetensorsWriter.write(
      tensors, metadata: ["format": "idiolect-training", "state": text], to: path)
  }

  static func read(
    from path: String, into parameters: [Parameter], _ optimiser: AdamW,
    _ moving: (name: String, tensors: [Tensor])?, fingerprint: String
  ) throws -> TrainingState {
    let file = try opened(path)
    guard let text = file.metadata["state"],
      let state: TrainingState = TrainingCheckpoint.value(text), state.isPossible
    else {
      throw IdiolectError(
        .invalidData, "\(path): not the checkpoint of a training; remove it to start over")
    }
    if let threads = RunFingerprint.otherThreads(state.fingerprint, fingerprint) {
      throw IdiolectError(
        .invalidArgument,
        "\(path): that training ran with --threads \(threads), and sums in another order are other bits; give the same, or remove it to start over"
      )
    }
    guard state.fingerprint == fingerprint else {
      throw IdiolectError(
        .invalidArgument,
        "\(path): that training had other settings, another base or other data; give the same, or remove it to start over"
      )
    }
    for parameter in parameters { try file.fill(parameter.tensor, from: parameter.name) }
    for slot in optimiser.slots {
      try file.fill(slot.first, from: "first:\(slot.parameter.name)")
      try file.fill(slot.second, from: "second:\(slot.parameter.name)")
    }
    for (parameter, tensor) in zip(parameters, moving?.tensors ?? []) {
      try file.fill(tensor, from: "\(moving!.name):\(parameter.name)")
    }
    optimiser.step = state.updates
    return state
  }

  /// Puts the parameters of a weights file into a network.
  package static func readWeights(_ path: String, into parameters: [Parameter]) throws {
    let file = try opened(path)
    for parameter in parameters { try file.fill(parameter.tensor, from: parameter.name) }
  }

  private static func opened(_ path: String) throws -> SafetensorsFile {
    do { return try SafetensorsFile(path: path) } catch let error as IdiolectError {
      let cause = error.parts(without: path, remedy: "").cause
      throw IdiolectError(
        error.code, "\(path): \(cause); remove the folder it lies in to start over", cause: error)
    }
  }

  /// Writes the best weights so far with the look that found them to be so.
  package static func writeBest(
    _ parameters: [Parameter], _ look: TrainingState.Look, fingerprint: String, to path: String
  ) throws {
    // Without its wall time, so that a run that resumes writes the same bytes.
    var look = look
    look.seconds = 0
    try SafetensorsWriter.write(
      parameters.map { parameter in
        SafetensorsTensor(parameter.name, shape: parameter.tensor.shape) { parameter.tensor.values }
      },
      metadata: [
        "format": "idiolect-training", "look": try text(look), "fingerprint": fingerprint,
      ], to: path)
  }

  /// The look that found the weights of `path` to be the best; nil where they are of another run, or
  /// cannot be read.
  package static func look(in path: String, fingerprint: String) -> TrainingState.Look? {
    guard let file = try? SafetensorsFile(path: path), file.metadata["fingerprint"] == fingerprint
    else { return nil }
    return file.metadata["look"].flatMap { value($0) }
  }

  /// A dev set that could not be scored has an infinite error, which plain JSON cannot say.
  private static let (infinity, minusInfinity, notANumber) = ("inf", "-inf", "nan")

  private static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: infinity, negativeInfinity: minusInfinity, nan: notANumber)
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  private static func value<Value: Decodable>(_ text: String) -> Value? {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: infinity, negativeInfinity: minusInfinity, nan: notANumber)
    return try? decoder.decode(Value.self, from: Data(text.utf8))
  }
}

extension SafetensorsFile {
  fileprivate func fill(_ tensor: Tensor, from name: String) throws {
    guard entries[name]?.shape == tensor.shape else {
      throw IdiolectError(
        .invalidData,
        "\(path): the tensor \(name) is missing or has another shape; remove it to start over")
    }
    let values = try readFloats(name)
    tensor.pointer.update(from: values, count: values.count)
    tensor.didChange()
  }
}
