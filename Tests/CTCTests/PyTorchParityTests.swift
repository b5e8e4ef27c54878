import Basics
import CTC
import TestSupport
import Testing

/// The loss and gradient against PyTorch's `ctc_loss` in float64.
@Suite struct PyTorchParityTests {
  @Test(arguments: try LossCase.all())
  func lossAndGradient(_ example: LossCase) throws {
    let loss = CTCLoss(labels: example.labels, blank: example.blank)
    let batch = example.batch()
    let logits = example.logits()
    let (result, gradient) = try loss.evaluate(logits, batch)

    var worstLoss = 0.0
    for (utterance, found) in zip(example.utterances, result.losses) {
      #expect((found == nil) == (utterance.loss == nil))
      guard let found, let expected = utterance.loss else { continue }
      worstLoss = max(worstLoss, abs(found - expected) / max(expected, .leastNormalMagnitude))
    }
    #expect(worstLoss <= 1e-9, "loss off by \(worstLoss)")
    #expect(try loss.losses(logits, batch) == result.losses)

    let expected = try Golden.array("ctc/\(example.name)")
    let width = example.labels
    let rows = stride(from: 0, to: gradient.count / width, by: example.rowStep)
    let chosen = rows.flatMap { gradient[$0 * width..<($0 + 1) * width] }
    try #require(chosen.count == expected.values.count)
    var worst = 0.0
    for (a, b) in zip(chosen, expected.values) {
      worst = max(worst, a.isFinite ? abs(Double(a) - Double(b)) : .infinity)
    }
    let relative = example.largest == 0 ? worst : worst / example.largest
    #expect(relative <= 1e-6, "gradient off by \(relative) of its largest element")

    let largest = gradient.reduce(0) { max($0, abs(Double($1))) }
    #expect(abs(largest - example.largest) <= 1e-6 * example.largest)
    print("\(example.name): loss \(worstLoss), gradient \(relative)")
  }

  /// Softmax and occupancy both sum to one, so every row of the gradient sums to zero: this sees the
  /// rows that the golden files leave out.
  @Test(arguments: try LossCase.all())
  func rowsOfTheGradientSumToZero(_ example: LossCase) throws {
    let loss = CTCLoss(labels: example.labels, blank: example.blank)
    let gradient = try loss.evaluate(example.logits(), example.batch()).gradient
    let rows = gradient.count / example.labels
    let sums = (0..<rows).map { row in
      gradient[row * example.labels..<(row + 1) * example.labels].reduce(0.0) { $0 + Double($1) }
    }
    let worst = try #require(sums.indices.max { abs(sums[$0]) < abs(sums[$1]) })
    let bound = 2e-6 * max(example.largest, 1e-9)
    #expect(abs(sums[worst]) <= bound, "row \(worst) sums to \(sums[worst])")
  }

  @Test func requiredFramesCountRepeats() throws {
    for example in try LossCase.all() {
      for utterance in example.utterances {
        #expect(CTCUtterance.requiredFrames(utterance.target) == utterance.required)
      }
    }
    #expect(CTCUtterance.requiredFrames([] as [Int32]) == 0)
    #expect(CTCUtterance.requiredFrames([3, 3, 3, 1] as [Int32]) == 6)
  }
}
