import Basics
import TensorEngine
import TestSupport
import Testing

extension PyTorchOperationTests {
  /// [batch, frames, heads, width] as packed rows.
  private func packed(_ x: Tensor) -> Tensor {
    x.reshaped([x.shape[0] * x.shape[1], x.shape[2] * x.shape[3]])
  }

  func attention(_ golden: OperationCase) throws {
    let shape = try golden.file.entry("query").shape
    let (batch, frames, heads) = (shape[0], shape[1], shape[2])
    let lengths =
      golden.name == "attention-padded"
      ? try golden.settings["lengths"].ints() : Array(repeating: frames, count: batch)
    // There a query that is padding attends to the valid keys, here it attends to all. So the padding's
    // queries become further utterances with the same keys.
    var queryRows: [Int32] = []
    var keyRows: [Int32] = []
    var outputRows: [Int32] = []
    for (index, length) in lengths.enumerated() {
      for first in stride(from: 0, to: frames, by: length) {
        for step in 0..<length {
          if first + step < frames { outputRows.append(Int32(queryRows.count)) }
          queryRows.append(Int32(index * frames + min(first + step, frames - 1)))
          keyRows.append(Int32(index * frames + step))
        }
      }
    }
    let segments = Segments(
      frames: lengths.flatMap { length in
        Array(repeating: length, count: (frames + length - 1) / length)
      })
    try golden.compare { inputs in
      let (query, key, value) = (inputs["query"]!, inputs["key"]!, inputs["value"]!)
      return packed(query).gatheringRows(queryRows).attention(
        keys: packed(key).gatheringRows(keyRows), values: packed(value).gatheringRows(keyRows),
        heads: heads, segments, pass
      ).gatheringRows(outputRows)
    }
  }

  func relativeAttention(_ golden: OperationCase) throws {
    let shape = try golden.file.entry("query").shape
    let (batch, frames, heads) = (shape[0], shape[1], shape[2])
    let valid = golden.name.hasSuffix("-padded") ? try golden.settings["lengths"].ints() : nil
    let segments = Segments(frames: Array(repeating: frames, count: batch), valid: valid)
    try golden.compare { inputs in
      packed(inputs["query"]!).attention(
        keys: packed(inputs["key"]!), values: packed(inputs["value"]!),
        positions: (
          inputs["relative_key"]!.reshaped([2 * frames - 1, shape[2] * shape[3]]),
          inputs["bias_u"]!, inputs["bias_v"]!
        ), heads: heads, segments, pass)
    }
  }

  /// Padding inside an utterance's rows changes nothing for its valid queries.
  @Test func paddedKeysAreMasked() throws {
    let golden = try OperationCase("attention-padded")
    let lengths = try golden.settings["lengths"].ints()
    try onEngine {
      let query = try golden.tensor("query")
      let (frames, width) = (query.shape[1], query.shape[2] * query.shape[3])
      let segments = Segments(frames: lengths.map { _ in frames }, valid: lengths)
      let output = packed(query).attention(
        keys: packed(try golden.tensor("key")), values: packed(try golden.tensor("value")),
        heads: query.shape[2], segments, pass)
      let expected = try golden.tensor("output").view([query.shape[0] * frames, width])
      for index in lengths.indices {
        let rows = segments.validRange(index)
        let error = Golden.relativeError(
          output.rowsView(rows).values, expected.rowsView(rows).values)
        #expect(error <= 1e-5)
      }
    }
  }
}
