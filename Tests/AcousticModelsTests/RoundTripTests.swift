import AcousticFeatures
import AcousticModels
import Basics
import Foundation
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// What is written and read again is the same model.
struct RoundTripTests {
  private func features() throws -> Features {
    var random = SeededRandom(seed: 7)
    return try LogMel()((0..<16_000).map { _ in random.uniform(-0.5...0.5) })
  }

  private func logits(_ model: AcousticModel, _ features: Features) throws -> [Float] {
    try onEngine {
      model.network(FeatureBatch([features]), Pass(training: false, precision: .float32)).logits
        .values
    }
  }

  private func written(
    storage: SafetensorsTensor.Storage = .float32
  ) throws -> (model: AcousticModel, directory: String) {
    let directory = try Golden.temporaryDirectory()
    let model = try onEngine { try TinyModel.make() }
    try onEngine { try model.write(to: directory, storage: storage, record: [("seed", 1)]) }
    return (model, directory)
  }

  @Test func float32IsExact() throws {
    let (model, directory) = try written()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let again = try onEngine { try AcousticModel(directory: directory) }
    #expect(again.network.sizes.json == model.network.sizes.json)
    #expect(again.vocabulary == model.vocabulary)
    #expect(again.frontEndConfiguration == model.frontEndConfiguration)
    #expect(again.normalizer == model.normalizer)
    #expect(again.record?["seed"] == 1)
    #expect(again.parameters.map(\.name) == model.parameters.map(\.name))
    let features = try features()
    #expect(try logits(again, features) == logits(model, features))
  }

  @Test func writingTwiceGivesTheSameBytes() throws {
    let (_, directory) = try written()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let copy = directory + "/copy"
    try onEngine { try AcousticModel(directory: directory).write(to: copy, record: [("seed", 1)]) }
    for file in try FileManager.default.contentsOfDirectory(atPath: copy) {
      #expect(
        FileManager.default.contents(atPath: "\(copy)/\(file)")
          == FileManager.default.contents(atPath: "\(directory)/\(file)"), "\(file)")
    }
  }

  @Test func float16RoundsWeightsAndKeepsStatistics() throws {
    let (model, directory) = try written(storage: .float16)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let again = try onEngine { try AcousticModel(directory: directory) }
    for (ours, theirs) in zip(again.parameters, model.parameters) {
      let expected =
        theirs.role == .statistic
        ? theirs.tensor.values : theirs.tensor.values.map { Float(Float16($0)) }
      #expect(ours.tensor.values == expected, "\(ours.name)")
    }
    let features = try features()
    #expect(try Golden.relativeError(logits(again, features), logits(model, features)) < 1e-2)
  }

  @Test func newLabelsKeepSharedRows() throws {
    let model = try onEngine { try TinyModel.make() }
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let transfer = try LabelTransfer(
      base: model.vocabulary, alphabet: Alphabet(texts: ["cab é"]), mode: .replace)
    let other = try onEngine { try model.replacingLabels(transfer, seed: 1) }
    try onEngine { try other.write(to: directory) }
    let again = try onEngine { try AcousticModel(directory: directory) }
    #expect(again.vocabulary == transfer.vocabulary)
    let old = try #require(model.parameters.last { $0.name == "ctc_head.weight" }).tensor
    let new = try #require(again.parameters.last { $0.name == "ctc_head.weight" }).tensor
    let width = model.network.sizes.layerWidth(0)
    #expect(new.shape == [6, width, 1])
    func row(_ tensor: Tensor, _ index: Int) -> [Float] {
      Array(tensor.values[index * width..<(index + 1) * width])
    }
    // é starts from e, and the blank is the blank wherever it stands.
    for (mine, theirs) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 5), (5, 28)] {
      #expect(row(new, mine) == row(old, theirs), "row \(mine)")
    }
  }
}
