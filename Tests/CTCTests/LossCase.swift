import Basics
import CTC
import Foundation
import TestSupport
import Testing

/// A case of `Tests/Golden/ctc/cases.json`: how its logits are made, and what PyTorch found.
struct LossCase: Decodable, Sendable, CustomTestStringConvertible {
  struct Utterance: Decodable, Sendable {
    let rows: Int
    let frames: Int
    let target: [Int32]
    let weight: Double
    let required: Int
    let loss: Double?
  }

  let name: String
  let seed: UInt64
  let labels: Int
  let blank: Int
  let scale: Float
  let bump: Float
  let rowStep: Int
  let largest: Double
  let utterances: [Utterance]

  var testDescription: String { name }

  static func all() throws -> [LossCase] {
    let path = "\(Golden.directory)/ctc/cases.json"
    return try JSONDecoder().decode(
      [LossCase].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// The logits as `Scripts/golden/ctc.py` makes them, `[rows, labels]`.
  func logits() -> [Float] {
    var random = SeededRandom(seed: seed)
    let rows = utterances.reduce(0) { $0 + $1.rows }
    var logits = (0..<rows * labels).map { _ in random.uniform(-scale...scale) }
    var first = 0
    for utterance in utterances {
      let count = utterance.target.count
      for t in 0..<(bump == 0 ? 0 : utterance.frames) {
        let here = t * count / utterance.frames
        let isNew = t == 0 || here != (t - 1) * count / utterance.frames
        let label = isNew && count > 0 ? Int(utterance.target[here]) : blank
        logits[(first + t) * labels + label] += bump
      }
      first += utterance.rows
    }
    return logits
  }

  func batch() -> [CTCUtterance] {
    var next = 0
    return utterances.enumerated().map { index, utterance in
      defer { next += utterance.rows }
      return CTCUtterance(
        name: "\(name)-\(index)",
        segment: PackedSegment(firstRow: next, rows: utterance.rows, frames: utterance.frames),
        target: utterance.target, weight: utterance.weight)
    }
  }
}

extension CTCLoss {
  /// Loss and gradient of arrays; the gradient begins as garbage that must not survive.
  func evaluate(
    _ logits: [Float], _ utterances: [CTCUtterance], _ policy: CTCExclusionPolicy = .exclude
  ) throws -> (result: CTCLossResult, gradient: [Float]) {
    var gradient = [Float](repeating: .nan, count: logits.count)
    let result = try logits.withUnsafeBufferPointer { logits in
      try gradient.withUnsafeMutableBufferPointer {
        try self(logits: logits, utterances: utterances, policy: policy, gradient: $0)
      }
    }
    return (result, gradient)
  }

  /// The losses alone.
  func losses(_ logits: [Float], _ utterances: [CTCUtterance]) throws -> [Double?] {
    try logits.withUnsafeBufferPointer {
      try self(logits: $0, utterances: utterances, policy: .exclude).losses
    }
  }
}
