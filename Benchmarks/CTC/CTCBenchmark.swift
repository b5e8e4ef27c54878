import Basics
import CKernels
import CTC

/// Times the CTC loss, forward and backward from logits, on two threads, and prints one line a case:
/// frames, batch, labels, target length, median and least milliseconds, sum of the losses.
///
/// `Benchmarks/ctc_pytorch.py` runs it beside PyTorch on the same logits.
@main struct CTCBenchmark {
  static let rounds = 9

  static func main() throws {
    try onEngine { ck_set_threads(2) }
    try measure(frames: 500, count: 16, labels: 32, length: 80)
    try measure(frames: 1500, count: 8, labels: 1025, length: 200)
  }

  static func measure(frames: Int, count: Int, labels: Int, length: Int) throws {
    var random = SeededRandom(seed: 1)
    let logits = (0..<count * frames * labels).map { _ in random.uniform(-4...4) }
    let lengths = [Int](repeating: frames, count: count)
    let batch = PackedSegment.packed(frames: lengths).map { segment in
      CTCUtterance(
        name: "\(segment.firstRow)", segment: segment,
        target: (0..<length).map { _ in Int32(1 + random.integer(below: labels - 1)) })
    }
    var gradient = [Float](repeating: 0, count: logits.count)
    let loss = CTCLoss(labels: labels, blank: 0)
    var total = 0.0
    let clock = ContinuousClock()
    let times = try (0..<rounds + 2).map { _ in
      try clock.measure {
        total = try logits.withUnsafeBufferPointer { logits in
          try gradient.withUnsafeMutableBufferPointer {
            try loss(logits: logits, utterances: batch, policy: .fail, gradient: $0).weightedLoss
          }
        }
      } / .milliseconds(1)
    }
    let sorted = times.dropFirst(2).sorted()
    print(frames, count, labels, length, sorted[rounds / 2], sorted[0], total)
  }
}
