import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Oracles: closed forms, and the schedulers of transformers and PyTorch (`Scripts/golden/optimisers.py`).
@Suite struct LearningRateScheduleTests {
  @Test(arguments: [
    ("linear", LearningRateSchedule(.linear, peak: 2e-3, warmupSteps: 7, totalSteps: 50)),
    ("cosine", LearningRateSchedule(.cosine, peak: 2e-3, warmupSteps: 7, totalSteps: 50)),
    ("cosine_floor", LearningRateSchedule(.cosine, peak: 2e-3, totalSteps: 50, final: 1e-4)),
  ])
  func agreesWithPython(name: String, schedule: LearningRateSchedule) throws {
    let expected = try Golden.array("optimisers/rates_\(name)").values
    let rates = expected.indices.map { Float(schedule.value(step: $0)) }
    #expect(Golden.relativeError(rates, expected) < 1e-6)
  }

  @Test func noamIsItsClosedForm() {
    let schedule = LearningRateSchedule.noam(factor: 2, modelSize: 176, warmupSteps: 400)
    for step in [1, 10, 399, 400, 401, 1000, 100_000] {
      let s = Double(step)
      let expected = 2 * pow(176, -0.5) * min(pow(s, -0.5), s * pow(400, -1.5))
      #expect(abs(schedule.value(step: step) - expected) < 1e-12 * expected.magnitude + 1e-15)
    }
    let floored = LearningRateSchedule.noam(
      factor: 2, modelSize: 176, warmupSteps: 400, final: 1e-3)
    #expect(floored.value(step: 1_000_000) == 1e-3)
    #expect(floored.value(step: 1) < 1e-3)
  }

  @Test func constantStays() {
    let schedule = LearningRateSchedule(.constant, peak: 1, warmupSteps: 4, totalSteps: 10)
    #expect(
      (0...12).map { schedule.value(step: $0) } == [0, 0.25, 0.5, 0.75]
        + Array(repeating: 1, count: 9))
  }

  @Test(arguments: LearningRateSchedule.Decay.allCases)
  func neverLeavesItsBounds(decay: LearningRateSchedule.Decay) {
    for (warmup, total) in [(0, 0), (5, 3), (0, 10), (10, 10), (-1, -1), (0, .max), (3, .min)] {
      let schedule = LearningRateSchedule(
        decay, peak: 1, warmupSteps: warmup, totalSteps: total, final: 0.1)
      for step in [.min, -1, 0, 1, 5, 11, 1000, .max] {
        #expect((0...1).contains(schedule.value(step: step)))
      }
      if warmup > 0 { #expect(schedule.value(step: warmup) == 1) }
    }
  }

  @Test func isCodable() throws {
    let schedule = LearningRateSchedule(
      .noam, peak: 1e-3, warmupSteps: 5, totalSteps: 9, final: 1e-6)
    let data = try JSONEncoder().encode(schedule)
    #expect(try JSONDecoder().decode(LearningRateSchedule.self, from: data) == schedule)
  }
}
