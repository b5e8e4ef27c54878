import AcousticFeatures
import AcousticModels
import Adaptation
import Basics
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// What `inspect` tells of a model's memory and of what each strategy trains.
@Suite struct ModelNeedsTests {
  @Test func strategiesTrainWhatTheySay() throws {
    try onEngine {
      let model = try TinyModel.make()
      let (size, labels) = (TinyModel.hiddenSize, model.vocabulary.count)
      let trainable = model.parameterCount
      let rows = try ModelNeeds(model, precision: .float32).adapting
      let trained = Dictionary(uniqueKeysWithValues: rows.map { ($0.strategy, $0.trained) })
      #expect(trained[.full] == trainable)
      #expect(trained[.outputLayer] == (size + 1) * labels)
      #expect(trained[.lora(rank: 8)]! > trained[.lhuc]!)
      let adapters = try TinyModel.make().addingAdapters(width: nil, seed: 1)
      #expect(trained[.adapter(width: nil)] == adapters.parameterCount - trainable)
      // More that trains takes more; nothing takes less than the weights.
      #expect(rows.allSatisfy { $0.bytes > 4 * trainable })
      let byCount = rows.sorted { $0.trained < $1.trained }
      #expect(zip(byCount, byCount.dropFirst()).allSatisfy { $0.bytes <= $1.bytes })
      #expect(byCount.first!.bytes < byCount.last!.bytes)
    }
  }

  /// A layer whose activations dwarf everything tells whether they are counted: against a pass of a window's length.
  @Test func whatIsToldIsTaken() throws {
    try onEngine {
      let model = try AcousticModel(directory: "\(Golden.repository)/Models/english-small")
      let frames = model.frontEnd.frameCount(
        samples: Int(ModelNeeds.windowSeconds) * model.frontEnd.sampleRate
      ).valid
      let batch = FeatureBatch([
        Features(
          frames: frames, bins: 80, validFrames: frames,
          values: [Float](repeating: 0, count: frames * 80))
      ])
      let pass = Pass(training: false, precision: .float32)
      _ = model.network(batch, pass)
      Storage.resetPeak()
      let before = Storage.bytesInUse
      _ = model.network(batch, pass)
      let taken = Double(Storage.peakBytes - before + 4 * model.parameterCount)
      let told = try Double(ModelNeeds(model, precision: .float32).transcribing)
      let around = min(taken / 4, 128 * 1_048_576) + 40 * 1_048_576
      #expect(
        told > 0.7 * taken + around && told < 1.5 * taken + around, "\(told) told, \(taken) taken")
    }
  }

  /// Networks that lack what a strategy trains are not said to have it.
  @Test(arguments: TinyModel.families.keys.sorted()) func families(_ name: String) throws {
    try onEngine {
      let needs = try ModelNeeds(TinyModel.family(name), precision: .float32)
      #expect(needs.transcribing > 0)
      #expect(needs.adapting.map(\.strategy).contains(.full))
      #expect(needs.adapting.allSatisfy { $0.trained > 0 })
    }
  }
}
