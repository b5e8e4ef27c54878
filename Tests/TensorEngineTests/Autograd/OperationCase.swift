import Basics
import TensorEngine
import TestSupport
import Testing

/// One operation that PyTorch ran: its settings, inputs, output and gradients.
struct OperationCase {
  static let directory = "\(Golden.directory)/operations"
  static let names =
    (try? JSONNode(path: "\(directory)/operations.json").members().map(\.key)) ?? []

  let name: String
  let settings: JSONNode
  let file: SafetensorsFile

  init(_ name: String) throws {
    self.name = name
    settings = try JSONNode(path: "\(Self.directory)/operations.json")[name]
    file = try SafetensorsFile(path: "\(Self.directory)/\(name).safetensors")
  }

  func tensor(_ name: String, order: [Int]? = nil) throws -> Tensor {
    let given = Tensor(try file.readFloats(name), shape: try file.entry(name).shape)
    return order.map(given.permuted) ?? given
  }

  /// Runs `body` on the inputs by their names, and compares what it returns and every input's gradient.
  ///
  /// - Parameter orders: the dimensions' order that our operation wants, by input; `output` too.
  func compare(
    orders: [String: [Int]] = [:], tolerance: Double = 1e-5,
    _ body: ([String: Tensor]) throws -> Tensor
  ) throws {
    var inputs: [String: Tensor] = [:]
    for name in file.names where !name.hasPrefix("grad_") && name != "output" {
      inputs[name] = try tensor(name, order: orders[name])
      inputs[name]!.requiresGradient = file.names.contains("grad_\(name)")
    }
    let tape = Tape()
    let output = try tape.recording { try body(inputs) }
    try expect(output, "output", order: orders["output"], tolerance)
    let gradient = try tensor("grad_output", order: orders["output"])
    tape.backward(from: output, gradient: Tensor(gradient.values, shape: output.shape))
    for (name, input) in inputs where input.requiresGradient {
      let found = try #require(input.gradient, "\(self.name): no gradient for \(name)")
      #expect(found.shape == input.shape)
      try expect(found, "grad_\(name)", order: orders[name], tolerance)
    }
  }

  /// The worst element's difference, relative to the largest; absolute where all are tiny.
  func expect(_ actual: Tensor, _ name: String, order: [Int]? = nil, _ tolerance: Double) throws {
    let expected = try tensor(name, order: order).values
    let largest = expected.reduce(0) { max($0, abs($1)) }
    let error = Golden.relativeError(actual.values, expected) * Double(min(1, largest / 0.01))
    #expect(error <= tolerance, "\(self.name): \(name) is off by \(error)")
  }
}
