import AcousticModels
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Networks of published sizes beside their originals, where the scripts have left them in the folder that the
/// environment names; see Scripts/golden/published_sizes.py.
@Suite(.enabled(if: publishedSizes != nil), .serialized)
struct PublishedSizeTests {
  @Test(arguments: cases("transformers")) func besideTransformers(_ directory: String) throws {
    let golden = try GoldenCase(directory: directory, input: "samples")
    try onEngine {
      let (network, parameters) = try golden.network()
      let names = Set(try SafetensorsFile(path: "\(directory)/gradients.safetensors").names)
      // Masks and all that only training does, at a rate of zero.
      try expectParity(
        golden, network, parameters.filter { names.contains($0.name) },
        Pass(training: true, precision: .float32)
      ) { try GoldenTraining.gradients($0) }
    }
  }

  @Test(arguments: cases("nemo")) func besideNeMo(_ directory: String) throws {
    let golden = try GoldenCase(directory: directory, input: "features")
    try onEngine {
      let model = try AcousticModel(directory: "\(directory)/model.nemo")
      try expectParity(golden, model.network, model.parameters, isSpread: true) {
        try nemoGradients($0, model)
      }
    }
  }

  @Test(arguments: cases("wavenet")) func besideWaveNet(_ directory: String) throws {
    let golden = try GoldenCase(directory: directory, input: "features")
    try onEngine {
      let model = try WaveNetTests.model(golden)
      try expectParity(golden, model.network, model.parameters) { try GoldenTraining.gradients($0) }
    }
  }

  @Test(arguments: cases("deepspeech")) func besideDeepSpeech(_ directory: String) throws {
    let golden = try GoldenCase(directory: directory, input: "features")
    try onEngine {
      let model = try AcousticModel(directory: directory)
      try expectParity(golden, model.network, model.parameters) { try tensorFlowGradients($0) }
    }
  }

  /// Logits, loss, every gradient and, where the original took them, ten steps.
  private func expectParity(
    _ golden: GoldenCase, _ network: any AcousticNetwork, _ parameters: [Parameter],
    _ pass: Pass = Pass(training: false, precision: .float32), isSpread: Bool = false,
    gradients: ([Parameter]) throws -> [String: [Float]]
  ) throws {
    try golden.expectLogits(network, isSpread: isSpread, within: 1e-3)
    let trained = parameters.filter { $0.role != .statistic }
    let training = golden.training(network, pass: pass)
    try training.expectGradients(trained, "\(golden.directory)/gradients.safetensors") {
      try gradients(trained)
    }
    guard try golden.facts["losses"].array().count > 1 else { return }
    for parameter in trained { parameter.tensor.gradient = nil }
    try training.expectTenSteps(trained.filter { !isDoubled($0) })
  }
}

private let publishedSizes = ProcessInfo.processInfo.environment["IDIOLECT_PUBLISHED_SIZES"]

private func cases(_ kind: String) -> [String] {
  guard let publishedSizes else { return [] }
  let names = try? FileManager.default.contentsOfDirectory(atPath: "\(publishedSizes)/\(kind)")
  return (names ?? []).sorted().map { "\(publishedSizes)/\(kind)/\($0)" }
}
