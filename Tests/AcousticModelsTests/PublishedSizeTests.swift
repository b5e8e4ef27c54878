import AcousticModels
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Networks of published sizes beside transformers, where Scripts/golden/published_sizes.py has left them in the
/// folder that the environment names.
@Suite(.enabled(if: publishedSizes != nil), .serialized)
struct PublishedSizeTests {
  static let cases: [String] =
    publishedSizes.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0).sorted() }
    ?? []

  @Test(arguments: cases) func beside(_ name: String) throws {
    let golden = try GoldenCase(directory: "\(publishedSizes!)/\(name)", input: "samples")
    try onEngine {
      let (network, parameters) = try golden.network()
      try golden.expectLogits(network, within: 1e-3)
      let path = "\(golden.directory)/gradients.safetensors"
      let names = Set(try SafetensorsFile(path: path).names)
      let trained = parameters.filter { names.contains($0.name) }
      // Masks and all that only training does, at a rate of zero.
      let training = golden.training(
        network, pass: Pass(training: true, precision: .float32))
      try training.expectGradients(trained, path) { try GoldenTraining.gradients(trained) }
      guard try golden.facts["losses"].array().count > 1 else { return }
      for parameter in trained { parameter.tensor.gradient = nil }
      try training.expectTenSteps(trained)
    }
  }
}

private let publishedSizes = ProcessInfo.processInfo.environment["IDIOLECT_PUBLISHED_SIZES"]
