import AcousticFeatures
package import Basics
import Foundation
import SpeechText
public import TensorEngine

extension AcousticModel {
  /// Writes the model directory; transformers opens it and gives the same logits, but for bottleneck adapters,
  /// which it has no place for in this network and leaves out with a warning.
  ///
  /// Weights come last and each file is written whole or not at all.
  ///
  /// - Parameter storage: how weights are kept on disk; they are widened when read.
  /// - Throws: `.inputOutput`, naming the file.
  public func write(to directory: String, storage: SafetensorsTensor.Storage = .float32) throws {
    try write(to: directory, storage: storage, record: [])
  }

  /// As `write(to:storage:)`, with a record of what was done.
  ///
  /// Weights come last and each file is written whole or not at all.
  ///
  /// - Parameters:
  ///   - storage: how weights are kept on disk; they are widened when read.
  ///   - record: what `adaptation.json` says beside the front end and the text normalisation.
  /// - Throws: `.inputOutput`, naming the file.
  package func write(
    to directory: String, storage: SafetensorsTensor.Storage = .float32,
    record: [(String, JSONValue)]
  ) throws {
    try AtomicFile.makeDirectory(directory)
    func write(_ value: JSONValue, _ file: String) throws {
      try AtomicFile.write(value.text(), to: "\(directory)/\(file)")
    }
    try write(network.sizes.json, "config.json")
    for (file, data) in try frontEndConfiguration.modelFiles() {
      try AtomicFile.write(data, to: "\(directory)/\(file)")
    }
    try vocabulary.write(toDirectory: directory)
    let text = try JSONEncoder().encode(normalizer)
    var members: [(String, JSONValue)] = [
      ("format", 1),
      ("front_end", ["fingerprint": .string(frontEnd.fingerprint)]),
      ("text", try JSONValue(parsing: text)),
    ]
    members += record
    try write(.object(JSONObject(members)), AcousticModel.recordFile)
    try writeWeights(to: "\(directory)/model.safetensors", storage: storage)
  }

  /// Writes the weights alone.
  package func writeWeights(to path: String, storage: SafetensorsTensor.Storage = .float32) throws {
    try SafetensorsWriter.write(
      parameters.map { parameter in
        parameter.name.hasSuffix("num_batches_tracked")
          ? SafetensorsTensor(integers: parameter.name, shape: parameter.tensor.shape) {
            parameter.tensor.values.map { Int64(exactly: $0.rounded()) ?? 0 }
          }
          : SafetensorsTensor(
            parameter.name, shape: parameter.tensor.shape,
            // Statistics are not rounded: a small variance divides.
            storage: parameter.role == .statistic ? .float32 : storage
          ) { parameter.tensor.values }
      }, to: path)
  }
}
