import Basics
import CTC
import Foundation
import Testing

@Suite struct GreedyDecoderTests {
  /// Logits whose best label in each frame is given, with probability `sure`.
  func logits(_ path: [Int], labels: Int, sure: [Float]) -> [Float] {
    zip(path, sure).flatMap { best, sure in
      (0..<labels).map { $0 == best ? log(sure) : log((1 - sure) / Float(labels - 1)) }
    }
  }

  func decode(_ logits: [Float], labels: Int, blank: Int) throws -> [DecodedLabel] {
    try logits.withUnsafeBufferPointer {
      try GreedyDecoder(labels: labels, blank: blank)(logits: $0)
    }
  }

  @Test(arguments: [3, 40, 1025])
  func mergesRepeatsAndDropsBlanks(labels: Int) throws {
    let path = [1, 1, 0, 1, 2, 2, 2, 0, 0]
    let sure: [Float] = [0.9, 0.7, 0.8, 0.6, 0.9, 0.8, 0.7, 0.9, 0.9]
    let found = try decode(logits(path, labels: labels, sure: sure), labels: labels, blank: 0)
    #expect(found.map(\.label) == [1, 1, 2])
    #expect(found.map(\.startFrame) == [0, 3, 4])
    #expect(found.map(\.endFrame) == [2, 4, 7])
    for (label, confidence) in zip(found, [0.8, 0.6, 0.8] as [Float]) {
      #expect(abs(label.confidence - confidence) < 1e-6)
    }
    let other = try decode(logits(path, labels: labels, sure: sure), labels: labels, blank: 1)
    #expect(other.map(\.label) == [0, 2, 0])
  }

  @Test func tiesGoToTheFirstLabel() throws {
    #expect(try decode([2, 1, 2, 2], labels: 4, blank: 3).map(\.label) == [0])
    #expect(try decode([1, 2, 2, 2], labels: 4, blank: 1) == [])
    #expect(try decode([], labels: 4, blank: 0) == [])
  }

  @Test func everyPositionCanBeBest() throws {
    for labels in [1, 2, 31, 32, 33, 63, 65, 100] {
      for best in 0..<labels {
        var row = [Float](repeating: -5, count: labels)
        row[best] = -1
        let found = try decode(row, labels: labels, blank: (best + 1) % labels)
        #expect(labels == 1 || found.map(\.label) == [best])
      }
    }
  }

  @Test func segmentsSkipPadding() throws {
    var logits = logits([1, 1, 2, 1, 2, 2], labels: 3, sure: [Float](repeating: 0.9, count: 6))
    logits[2 * 3] = .nan
    let segments = [
      PackedSegment(firstRow: 0, rows: 3, frames: 2),
      PackedSegment(firstRow: 3, rows: 3, frames: 3),
    ]
    let decoder = GreedyDecoder(labels: 3, blank: 0)
    let found = try logits.withUnsafeBufferPointer { try decoder(logits: $0, segments: segments) }
    #expect(found.map { $0.map(\.label) } == [[1], [1, 2]])
    #expect(found[1].map(\.startFrame) == [0, 1])
    #expect(throws: IdiolectError.self) { try decode(logits, labels: 3, blank: 0) }
  }
}
