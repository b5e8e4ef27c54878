import Basics
import SpeechCorpus
package import TensorEngine

/// Weights from which a few updates on one person's speech lead far: Reptile (Nichol, Achiam and Schulman 2018).
///
/// A task is one speaker or accent. After every few updates on one task the weights go back to where they began
/// it, and a part of the way to where it led them; that part falls to 0 over the training.
public final class Reptile {
  /// What makes utterances one task.
  public enum Task: String, Sendable, Codable, CaseIterable {
    case speaker, accent

    /// What an utterance names as its own; nil where it names none.
    func name(of utterance: Utterance) -> String? {
      self == .speaker ? utterance.speaker : utterance.accent
    }
  }

  /// Updates on a task before the next.
  static let updates = 8

  private let parameters: [Parameter]
  /// Where the task began: one for each parameter, in its shape.
  let origins: [Tensor]

  /// Begins at the weights as they are.
  package init(_ parameters: [Parameter]) {
    self.parameters = parameters
    origins = parameters.map { Tensor($0.tensor.values, shape: $0.tensor.shape) }
  }

  /// Ends a task.
  ///
  /// - Parameter progress: of the training, 0 … 1.
  package func endTask(progress: Double) {
    let share = Float(1 - progress)
    for (origin, parameter) in zip(origins, parameters) {
      let (from, weights) = (origin.pointer, parameter.tensor.pointer)
      for index in 0..<origin.count {
        from[index] += share * (weights[index] - from[index])
        weights[index] = from[index]
      }
      parameter.tensor.didChange()
    }
  }
}

extension BatchPlan {
  /// One epoch of tasks in random order, each of them `updates` batches of its own utterances, which are drawn
  /// again where they are too few.
  ///
  /// - Parameters:
  ///   - tasks: of each item.
  ///   - updates: batches of a task.
  package init(
    tasks: [Int], updates: Int, seconds: [Double], batchSeconds: Double, speeds: [Double],
    seed: UInt64, epoch: Int
  ) {
    var random = SeededRandom(seed: seed, 0x4E7A, epoch)
    let members = Dictionary(grouping: tasks.indices) { tasks[$0] }
    var batches: [[Draw]] = []
    for task in random.shuffled(members.keys.sorted()) {
      var own: [[Draw]] = []
      for copy in 0... {
        let items = members[task]!
        let plan = BatchPlan(
          seconds: items.map { seconds[$0] }, batchSeconds: batchSeconds, speeds: speeds,
          seed: random.next(), epoch: epoch)
        own += plan.batches.map { batch in
          batch.map { Draw(item: items[$0.item], speed: $0.speed, copy: copy) }
        }
        if own.count >= updates { break }
      }
      batches += own.prefix(updates)
    }
    self.init(batches: batches)
  }
}
