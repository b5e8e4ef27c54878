import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport
import Testing

/// Weights that are prepared for new people.
struct ReptileTests {
  /// Each task in turn, and so many batches of its own items alone.
  @Test func plansTasks() {
    let tasks = [0, 0, 0, 1, 1, 2]
    let seconds = [1.0, 2, 3, 1, 1, 30]
    func plan(_ epoch: Int) -> BatchPlan {
      BatchPlan(
        tasks: tasks, updates: 4, seconds: seconds, batchSeconds: 3, speeds: [0.9, 1.1], seed: 1,
        epoch: epoch)
    }
    for epoch in 0..<3 {
      let batches = plan(epoch).batches
      #expect(batches.count == 12 && batches == plan(epoch).batches)
      let runs = stride(from: 0, to: 12, by: 4).map { start in
        Set(batches[start..<start + 4].joined().map { tasks[$0.item] })
      }
      #expect(runs.allSatisfy { $0.count == 1 } && Set(runs).count == 3)
      // The same utterance again is another draw.
      for start in stride(from: 0, to: 12, by: 4) {
        let draws = batches[start..<start + 4].joined().map { "\($0.item) \($0.copy)" }
        #expect(Set(draws).count == draws.count)
      }
    }
    #expect(plan(0).batches != plan(1).batches)
  }

  private func request(_ corpus: TinyCorpus, _ output: String) throws -> ScratchRequest {
    var clips = try TinyCorpus.clips(6)
    for index in clips.indices { clips[index].speaker = "s\(index % 3)" }
    var request = ScratchRequest(
      train: try corpus.write(clips, "people"), output: "\(corpus.path)/\(output)")
    request.start = corpus.base
    request.settings = TinyCorpus.settings
    request.seeksFewShot(by: .speaker)
    request.settings.epochs = 2
    request.settings.batchSeconds = 3
    request.storage = .float32
    return request
  }

  /// The same tensors, moved; normalisations keep their statistics, as in the adaptations that follow.
  @Test func preparesAModel() throws {
    let corpus = try TinyCorpus()
    try ScratchRun(request(corpus, "out")).run()
    let (before, after) = (try corpus.weights("base"), try corpus.weights("out"))
    #expect(before.keys == after.keys)
    for name in before.keys {
      // A key's bias cancels in the softmax, but for rounding.
      if name.contains("k_proj.bias") { continue }
      let isStatistic = name.contains("running") || name.hasSuffix("num_batches_tracked")
      #expect((before[name] == after[name]) == isStatistic, "\(name)")
    }
  }

  /// After a task: back to where it began, and the part of the way that is left of the training.
  @Test func goesPartOfTheWay() throws {
    try onEngine {
      let source = ParameterSource(seed: 1)
      let tensor = try source.parameter("w", [50], .weight, .uniform(1))
      let began = tensor.values
      let reptile = Reptile(source.parameters)
      var expected = began
      for (progress, led) in [(0.25, Float(2)), (0.5, -1), (1, 3)] {
        for index in 0..<50 { tensor.pointer[index] += led }
        reptile.endTask(progress: progress)
        for index in 0..<50 { expected[index] += Float(1 - progress) * led }
        #expect(zip(tensor.values, expected).allSatisfy { abs($0 - $1) < 1e-5 })
      }
      #expect(abs(tensor.values[0] - began[0] - 1) < 1e-5)
    }
  }

  @Test func needsTasks() throws {
    let corpus = try TinyCorpus()
    var wanted = try request(corpus, "out")
    var clips = try TinyCorpus.clips(4)
    for index in clips.indices { clips[index].speaker = "one" }
    wanted.train = try corpus.write(clips, "one")
    var error = #expect(throws: IdiolectError.self) { try ScratchRun(wanted).run() }
    #expect(error?.message.contains("a single speaker") == true)
    clips[2].speaker = nil
    wanted.train = try corpus.write(clips, "nameless")
    error = #expect(throws: IdiolectError.self) { try ScratchRun(wanted).run() }
    #expect(error?.message.contains("line 3: no speaker") == true)
  }
}
