import AcousticModels
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Model directories that are damaged or lie: each is refused in one line that names file and cause.
struct HostileDirectoryTests {
  private func refusal(_ damage: (String) throws -> Void) throws -> IdiolectError {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try onEngine { try TinyModel.make().write(to: directory) }
    try damage(directory)
    let error = try #require(throws: IdiolectError.self) {
      try onEngine { _ = try AcousticModel(directory: directory) }
    }
    #expect(error.message.contains(directory))
    #expect(!error.message.contains("\n"))
    return error
  }

  private func edit(_ path: String, _ old: String, _ new: String) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try #require(text.contains(old), "\(path) has no \(old)")
    try text.replacingOccurrences(of: old, with: new)
      .write(toFile: path, atomically: true, encoding: .utf8)
  }

  /// Writes the tensors of a directory again, changed.
  private func rewrite(
    _ directory: String, counter: Float = 0,
    _ change: (inout [(name: String, shape: [Int], values: [Float])]) -> Void
  ) throws {
    let path = "\(directory)/model.safetensors"
    let file = try SafetensorsFile(path: path)
    var tensors = try file.names.filter { !$0.hasSuffix("num_batches_tracked") }.map {
      (name: $0, shape: try file.entry($0).shape, values: try file.readFloats($0))
    }
    change(&tensors)
    let counters = file.names.filter { $0.hasSuffix("num_batches_tracked") }
    try SafetensorsWriter.write(
      tensors.map { tensor in
        SafetensorsTensor(tensor.name, shape: tensor.shape) { tensor.values }
      } + counters.map { SafetensorsTensor($0, shape: []) { [counter] } }, to: path)
  }

  @Test func missingTensor() throws {
    let error = try refusal {
      try rewrite($0) { $0.removeAll { $0.name == "encoder.layers.1.norm_out.weight" } }
    }
    #expect(error.code == .invalidModel)
    #expect(error.message.contains("encoder.layers.1.norm_out.weight is missing"))
  }

  @Test func extraTensor() throws {
    let error = try refusal {
      try rewrite($0) { $0.append((name: "decoder.weight", shape: [2], values: [1, 2])) }
    }
    #expect(error.code == .invalidModel)
    #expect(error.message.contains("decoder.weight"))
  }

  @Test func misshapenTensor() throws {
    let error = try refusal {
      try rewrite($0) { tensors in
        let index = tensors.firstIndex { $0.name == "ctc_head.bias" }!
        tensors[index].shape = [28]
        tensors[index].values.removeLast()
      }
    }
    #expect(error.code == .invalidModel)
    #expect(error.message.contains("ctc_head.bias has shape [28], [29] was expected"))
  }

  /// A counter beyond what a number can count to would be no whole number when written again.
  @Test(arguments: [Int64(-1), .max, 1 << 54]) func absurdCounter(_ value: Int64) throws {
    let error = try refusal { directory in
      let path = "\(directory)/model.safetensors"
      let file = try SafetensorsFile(path: path)
      try SafetensorsWriter.write(
        try file.names.map { name in
          if name.hasSuffix("num_batches_tracked") {
            return SafetensorsTensor(integers: name, shape: []) { [value] }
          }
          let values = try file.readFloats(name)
          return SafetensorsTensor(name, shape: try file.entry(name).shape) { values }
        }, to: path)
    }
    #expect(error.code == .invalidModel)
    #expect(error.message.contains("num_batches_tracked"))
  }

  @Test func wholeNumbersAsWeights() throws {
    let error = try refusal { directory in
      let path = "\(directory)/model.safetensors"
      let file = try SafetensorsFile(path: path)
      try SafetensorsWriter.write(
        try file.names.map { name in
          let shape = try file.entry(name).shape
          if name == "ctc_head.bias" || name.hasSuffix("num_batches_tracked") {
            return SafetensorsTensor(integers: name, shape: shape) {
              [Int64](repeating: 1, count: shape.reduce(1, *))
            }
          }
          let values = try file.readFloats(name)
          return SafetensorsTensor(name, shape: shape) { values }
        }, to: path)
    }
    #expect(error.code == .invalidModel)
    #expect(error.message.contains("ctc_head.bias holds whole numbers"))
  }

  @Test(arguments: [Float.nan, 1e30, -5]) func absurdFloatCounter(_ value: Float) throws {
    let error = try refusal {
      try rewrite($0, counter: value) { _ in }
    }
    #expect(error.message.contains("num_batches_tracked"))
  }

  @Test func otherFrontEnd() throws {
    let error = try refusal {
      try edit("\($0)/processor_config.json", "\"preemphasis\": 0.97", "\"preemphasis\": 0.9")
    }
    #expect(error.code == .invalidModel)
    #expect(error.message.contains("front end"))
  }

  @Test func otherFamily() throws {
    let error = try refusal { try edit("\($0)/config.json", "\"parakeet_ctc\"", "\"whisper\"") }
    #expect(error.code == .unsupported)
    #expect(error.message.contains("whisper"))
  }

  @Test(
    arguments: [
      ("\"hidden_size\": 32", "\"hidden_size\": 9223372036854775807"),
      ("\"hidden_size\": 32", "\"hidden_size\": -2"),
      ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1000000"),
      ("\"num_attention_heads\": 2", "\"num_attention_heads\": 0"),
      ("\"conv_kernel_size\": 5", "\"conv_kernel_size\": 4"),
      ("\"subsampling_factor\": 4", "\"subsampling_factor\": 3"),
      ("\"vocab_size\": 29", "\"vocab_size\": 1e300"),
      ("\"pad_token_id\": 28", "\"pad_token_id\": 29"),
      ("\"encoder_config\"", "\"encoder\""),
    ]) func wrongSettings(_ old: String, _ new: String) throws
  {
    let error = try refusal { try edit("\($0)/config.json", old, new) }
    #expect([.invalidModel, .invalidData, .unsupported].contains(error.code), "\(error)")
  }

  @Test(
    arguments: [
      "config.json", "model.safetensors", "tokenizer.json", "processor_config.json",
    ]) func absentFile(_ name: String) throws
  {
    _ = try refusal { try FileManager.default.removeItem(atPath: "\($0)/\(name)") }
  }

  @Test(
    arguments: [
      "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
      "processor_config.json", "adaptation.json",
    ]) func halfAFile(_ name: String) throws
  {
    _ = try refusal {
      let path = "\($0)/\(name)"
      let data = try #require(FileManager.default.contents(atPath: path))
      try data.prefix(data.count / 2).write(to: URL(fileURLWithPath: path))
    }
  }

  /// A header that declares more than there is, or that is no header.
  @Test(
    arguments: [
      Data(repeating: 0xFF, count: 64), Data(),
      Data([8, 0, 0, 0, 0, 0, 0, 0]) + Data("{\"a\":[]}".utf8),
    ]) func hostileWeights(_ bytes: Data) throws
  {
    let error = try refusal {
      try bytes.write(to: URL(fileURLWithPath: "\($0)/model.safetensors"))
    }
    #expect(error.code == .invalidModel)
  }
}
