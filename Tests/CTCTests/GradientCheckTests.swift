import Basics
import CTC
import Testing

/// The gradient against central differences of the loss itself.
@Suite struct GradientCheckTests {
  @Test(arguments: [0, 3, 6])
  func centralDifferences(blank: Int) throws {
    let labels = 7
    var random = SeededRandom(seed: 5, blank)
    // Multiples of the step, so that a logit more or less one step is exact in float32.
    let step: Float = 0x1p-9
    var logits = (0..<150 * labels).map { _ in (random.uniform(-3...3) / step).rounded() * step }
    func target(_ count: Int) -> [Int32] {
      (0..<count).map { _ in Int32((blank + 1 + random.integer(below: labels - 1)) % labels) }
    }
    let batch = [
      CTCUtterance(
        name: "a", segment: PackedSegment(firstRow: 0, rows: 100, frames: 97), target: target(20),
        weight: 0.5),
      CTCUtterance(
        name: "b", segment: PackedSegment(firstRow: 100, rows: 50, frames: 50), target: target(30),
        weight: 3),
    ]
    let loss = CTCLoss(labels: labels, blank: blank)
    let gradient = try loss.evaluate(logits, batch).gradient
    func weightedLoss() throws -> Double {
      try logits.withUnsafeBufferPointer {
        try loss(logits: $0, utterances: batch, policy: .fail).weightedLoss
      }
    }
    var worst = 0.0
    for index in logits.indices {
      let value = logits[index]
      logits[index] = value + step
      let above = try weightedLoss()
      logits[index] = value - step
      let below = try weightedLoss()
      logits[index] = value
      let slope = (above - below) / (2 * Double(step))
      worst = max(worst, abs(slope - Double(gradient[index])))
    }
    let largest = gradient.reduce(0) { max($0, abs(Double($1))) }
    #expect(worst <= 2e-6 * largest, "off by \(worst / largest)")
  }
}
