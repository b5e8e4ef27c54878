import AcousticFeatures
import AcousticModels
import Basics
import Foundation
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// A checkpoint in TensorFlow's layout: logits, loss, every gradient and ten optimiser steps beside the published
/// network written anew; see Scripts/golden/deepspeech.py.
@Suite struct DeepSpeechTests {
  private let golden: GoldenCase
  private var directory: String { golden.directory }

  init() throws { golden = try GoldenCase("deepspeech") }

  @Test func logits() throws {
    try onEngine {
      let model = try AcousticModel(directory: directory)
      #expect(model.vocabulary.labels == [" ", "a", "b", "c", "d", "e", "'", "<pad>"])
      #expect(model.frontEnd.bins == 494)
      try golden.expectLogits(model.network)
    }
  }

  @Test func lossAndEveryGradient() throws {
    try onEngine {
      let model = try AcousticModel(directory: directory)
      try golden.training(model.network).expectGradients(
        model.parameters, "\(directory)/gradients.safetensors"
      ) { try tensorFlowGradients(model.parameters) }
    }
  }

  @Test func tenSteps() throws {
    try onEngine {
      let model = try AcousticModel(directory: directory)
      try golden.training(model.network).expectTenSteps(model.parameters.filter { !isDoubled($0) })
    }
  }

  /// What is written is opened again, front end and all, and gives the same.
  @Test func roundTrip() throws {
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    try onEngine {
      let model = try AcousticModel(directory: directory)
      try model.write(to: copy)
      let again = try AcousticModel(directory: copy)
      #expect(again.frontEnd.fingerprint == model.frontEnd.fingerprint)
      let evaluation = Pass(training: false, precision: .float32)
      #expect(
        again.network(FeatureBatch(golden.features), evaluation).logits.values
          == model.network(FeatureBatch(golden.features), evaluation).logits.values)
      let lower = try model.keepingLayers(3)
      #expect(lower.network.layers.count == 3 && lower.network.outputLayer.weight.columns == 20)
    }
  }

  @Test func alphabetIsMissing() throws {
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    for name in ["model-7.index", "model-7.data-00000-of-00001"] {
      try FileManager.default.copyItem(
        atPath: "\(directory)/\(name)", toPath: "\(copy)/\(name)")
    }
    let error = #expect(throws: IdiolectError.self) { try AcousticModel(directory: copy) }
    #expect(error?.code == .notFound)
    #expect(
      error?.message.hasPrefix("\(copy): has a checkpoint, model-7.index, but no alphabet.txt")
        == true)
  }

  /// A thousand damaged copies of the index and as many of the data are opened or refused by name.
  @Test func damage() throws {
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    let names = ["model-7.index", "model-7.data-00000-of-00001"]
    var random = SeededRandom(seed: 1)
    for round in 0..<2000 {
      for (place, name) in names.enumerated() {
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")))
        if round % 2 == place {
          if round % 6 < 2 { bytes.removeLast(Int(random.uniform() * Float(bytes.count))) }
          for _ in 0..<(bytes.isEmpty ? 0 : 1 + round % 3) {
            bytes[Int(random.uniform() * Float(bytes.count - 1))] = UInt8(random.uniform() * 255)
          }
        }
        try Data(bytes).write(to: URL(fileURLWithPath: "\(copy)/\(name)"))
      }
      do {
        let store = try WeightStore(bundle: TensorFlowBundle(prefix: "\(copy)/model-7"), path: copy)
        for name in store.names where store[name]?.type == .float32 {
          _ = try store.readFloats(name)
        }
      } catch let error as IdiolectError {
        #expect(error.message.hasPrefix("\(copy)/model-7."), "\(error.message)")
      }
    }
  }

  /// Wherever in the data a bit is flipped, whoever reads all variables is told of which file and variable.
  @Test func flippedBits() throws {
    let copy = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: copy) }
    let (index, data) = ("model-7.index", "model-7.data-00000-of-00001")
    try FileManager.default.copyItem(atPath: "\(directory)/\(index)", toPath: "\(copy)/\(index)")
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(data)")))
    var random = SeededRandom(seed: 1)
    for round in 0..<300 {
      var bytes = whole
      let place =
        round < 8
        ? round : round < 16 ? bytes.count + 7 - round : random.integer(below: bytes.count)
      bytes[place] ^= 1 << UInt8(round % 8)
      try Data(bytes).write(to: URL(fileURLWithPath: "\(copy)/\(data)"))
      let store = try WeightStore(bundle: TensorFlowBundle(prefix: "\(copy)/model-7"), path: copy)
      let hit = try #require(store.names.first { store[$0]!.byteRange.contains(place) })
      for name in store.names {
        func read() throws {
          if store[name]?.type == .float32 {
            _ = try store.readFloats(name)
          } else {
            _ = try store.readInt64s(name)
          }
        }
        guard name == hit else {
          try read()
          continue
        }
        let error = #expect(throws: IdiolectError.self) { try read() }
        #expect(error?.code == .invalidModel)
        #expect(error?.message.hasPrefix("\(copy)/\(data): ") == true)
        #expect(error?.message.contains("'\(name)'") == true, "\(error?.message ?? "")")
      }
    }
  }
}

/// TensorFlow's variables of our parameters' gradients: matrices turned, gates in its order.
func tensorFlowGradients(_ parameters: [Parameter]) throws -> [String: [Float]] {
  let gradients = try Dictionary(
    uniqueKeysWithValues: parameters.map { ($0.name, try #require($0.tensor.gradient)) })
  func turned(_ x: Tensor) -> [Float] {
    x.reshaped([1, x.rows, x.columns]).transposedLast().values
  }
  var found: [String: [Float]] = [:]
  for (layer, name) in [
    (1, "layers.0.dense"), (2, "layers.1.dense"), (3, "layers.2.dense"),
    (5, "layers.4.dense"), (6, "output"),
  ] {
    found["layer_\(layer)/weights"] = turned(gradients["\(name).weight"]!)
    found["layer_\(layer)/bias"] = gradients["\(name).bias"]!.values
  }
  let (input, recurrent) = (
    gradients["layers.3.lstm.weight_ih_l0"]!, gradients["layers.3.lstm.weight_hh_l0"]!
  )
  let (inputs, states) = (input.values, recurrent.values)
  let hidden = recurrent.columns
  let order = [0, 2, 1, 3].flatMap { $0 * hidden..<($0 + 1) * hidden }
  let gates = "cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell"
  found["\(gates)/kernel"] =
    (0..<input.columns).flatMap { column in
      order.map { inputs[$0 * input.columns + column] }
    }
    + (0..<hidden).flatMap { column in order.map { states[$0 * hidden + column] } }
  let biases = gradients["layers.3.lstm.bias_ih_l0"]!.values
  found["\(gates)/bias"] = order.map { biases[$0] }
  return found
}

/// Whether TensorFlow does not have it: of a gate's two biases, which PyTorch adds, the second.
func isDoubled(_ parameter: Parameter) -> Bool { parameter.name.hasSuffix("bias_hh_l0") }
