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
  }

  package var step = 0
  package var epoch = 0
  /// Batches of the epoch that are done.
  package var batch = 0
  /// Wall time of training so far.
  package var seconds = 0.0
  package var audioSeconds = 0.0
  package var lossSum = 0.0
  package var lossCount = 0
  package var looks: [Look] = []
  package var best: Look?
  package var looksSinceBest = 0
  package var finished = false
  /// What the run was started with; resuming with anything else is refused.
  package var fingerprint = ""

  package init() {}
}

/// The checkpoint of a running training: parameters, moments and state in one file, written whole.
package enum TrainingCheckpoint {
  /// - Parameter parameters: everything that training changes, statistics too.
  package static func write(
    _ state: TrainingState, _ parameters: [Parameter], _ optimiser: AdamW, to path: String
  ) throws {
    let text = String(decoding: try JSONEncoder().encode(state), as: UTF8.self)
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
    try SafetensorsWriter.write(
      tensors, metadata: ["format": "idiolect-training", "state": text], to: path)
  }

  package static func read(
    from path: String, into parameters: [Parameter], _ optimiser: AdamW, fingerprint: String
  ) throws -> TrainingState {
    let file = try SafetensorsFile(path: path)
    guard let text = file.metadata["state"],
      let state = try? JSONDecoder().decode(TrainingState.self, from: Data(text.utf8))
    else {
      throw IdiolectError(
        .invalidData, "\(path): not the checkpoint of a training; start without --resume")
    }
    guard state.fingerprint == fingerprint else {
      throw IdiolectError(
        .invalidArgument,
        "\(path): that training had other settings or other data; give the same, or start without --resume"
      )
    }
    func fill(_ name: String, _ tensor: Tensor) throws {
      let values = try file.readFloats(name)
      guard values.count == tensor.count else {
        throw IdiolectError(.invalidData, "\(path): the tensor \(name) has another size")
      }
      tensor.pointer.update(from: values, count: values.count)
      tensor.didChange()
    }
    for parameter in parameters { try fill(parameter.name, parameter.tensor) }
    for slot in optimiser.slots {
      try fill("first:\(slot.parameter.name)", slot.first)
      try fill("second:\(slot.parameter.name)", slot.second)
    }
    optimiser.step = state.step
    return state
  }

  /// Puts the parameters of a weights file into a network.
  package static func readWeights(_ path: String, into parameters: [Parameter]) throws {
    let file = try SafetensorsFile(path: path)
    for parameter in parameters {
      let values = try file.readFloats(parameter.name)
      guard values.count == parameter.tensor.count else {
        throw IdiolectError(.invalidData, "\(path): the tensor \(parameter.name) has another size")
      }
      parameter.tensor.pointer.update(from: values, count: values.count)
      parameter.tensor.didChange()
    }
  }

  package static func writeWeights(_ parameters: [Parameter], to path: String) throws {
    try SafetensorsWriter.write(
      parameters.map { parameter in
        SafetensorsTensor(parameter.name, shape: parameter.tensor.shape) { parameter.tensor.values }
      }, to: path)
  }
}
