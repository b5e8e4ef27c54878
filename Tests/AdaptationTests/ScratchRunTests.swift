import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// Training without a base to be compared with.
struct ScratchRunTests {
  private let corpus: TinyCorpus

  init() throws { corpus = try TinyCorpus() }

  private func request(_ texts: [String] = []) throws -> ScratchRequest {
    var clips = try TinyCorpus.clips(6)
    for (index, text) in texts.enumerated() { clips[index].text = text }
    var request = ScratchRequest(
      train: try corpus.write(clips, "train"), output: "\(corpus.path)/out")
    request.dev = try corpus.write(try TinyCorpus.clips(2, from: 6), "dev")
    request.settings = TinyCorpus.settings
    request.settings.liveStatistics = true
    request.storage = .float32
    return request
  }

  @Test func beginsWithTheWeightsOfAnotherModel() throws {
    var request = try request()
    request.start = corpus.base
    // So small a rate moves no weight.
    request.settings.learningRate = 1e-12
    request.settings.weightDecay = 0
    try ScratchRun(request).run()
    let (base, trained) = (try corpus.weights("base"), try corpus.weights("out"))
    #expect(base.keys.sorted() == trained.keys.sorted())
    for (name, values) in base where !name.contains("running") && !name.contains("batches") {
      #expect(Golden.relativeError(trained[name] ?? [], values) < 1e-3, "\(name)")
    }
    let record = try corpus.record("out")
    #expect(record.value?["training"]?["start"] == .string(corpus.base))
  }

  @Test func whatItBeginsWithGetsTheLabelsItLacks() throws {
    var request = try request(["ɛɛ", "ɛ a", "ɛ b"])
    request.start = corpus.base
    try ScratchRun(request).run()
    let (before, after) = try onEngine {
      (
        try AcousticModel(directory: corpus.base).vocabulary.labels,
        try AcousticModel(directory: request.output).vocabulary.labels
      )
    }
    #expect(after == before + ["ɛ"])
  }

  @Test func doesNotOverwriteWhatItBeginsWith() throws {
    var request = try request()
    request.start = request.output
    try FileManager.default.copyItem(atPath: corpus.base, toPath: request.output)
    #expect(throws: IdiolectError.self) { try ScratchRun(request).run() }
    #expect(try corpus.weights("out") == corpus.weights("base"))
  }

  /// The average is of all updates, and looks at the dev set leave the weights as they were.
  @Test func averageOfTheWeights() throws {
    let values: [Float] = [3, -1, 0.5]
    let model = try onEngine { try AcousticModel(directory: corpus.base) }
    let parameter = model.parameters[0]
    let start = parameter.tensor.values
    try onEngine {
      let average = WeightAverage([parameter], decay: 0.3)
      var expected = start.map(Double.init)
      for (index, value) in values.enumerated() {
        for place in start.indices { parameter.tensor.pointer[place] = start[place] + value }
        average.update(count: index + 1)
        let kept = min(0.3, Double(index + 2) / Double(index + 11))
        expected = zip(expected, start).map { kept * $0 + (1 - kept) * Double($1 + value) }
      }
      let last = parameter.tensor.values
      average.swap()
      #expect(Golden.relativeError(parameter.tensor.values, expected.map { Float($0) }) < 1e-6)
      average.swap()
      #expect(parameter.tensor.values == last)
    }
  }
}
