import AcousticFeatures
import AcousticModels
import Basics
import TensorEngine
import TestSupport
import Testing

/// A small `ParakeetForCTC` that transformers initialised, saved and ran: see Scripts/golden/parakeet.py.
struct TransformersParityTests {
  static let cases = ["four", "eight", "two"]

  @Test(arguments: cases) func logitsOfABatch(_ name: String) throws {
    let golden = try ParakeetCase(name)
    try onEngine {
      let network = try golden.network()
      let (logits, segments) = network(
        try golden.batch(), .init(training: false, precision: .float32))
      let expected = try golden.array("logits")
      let labels = network.sizes.labelCount
      var ours: [Float] = []
      var theirs: [Float] = []
      for index in 0..<segments.count {
        let frames = golden.validOutputFrames[index]
        #expect(segments.validRange(index).count == frames)
        ours += logits.rowsView(segments.validRange(index)).values
        let start = index * expected.shape[1] * labels
        theirs += expected.values[start..<start + frames * labels]
      }
      #expect(Golden.relativeError(ours, theirs) < 1e-4)
    }
  }

  /// One utterance: the whole tensor that transformers returns, masked frames too.
  @Test(arguments: cases, 0..<3) func wholeLogitsAlone(_ name: String, _ index: Int) throws {
    let golden = try ParakeetCase(name)
    try onEngine {
      let network = try golden.network()
      let features = try golden.features()[index]
      let (logits, _) = network(
        FeatureBatch([features], keepsInvalidFrames: true),
        .init(training: false, precision: .float32))
      let expected = try golden.array("logits-\(index)")
      #expect(logits.shape == Array(expected.shape.suffix(2)))
      #expect(Golden.relativeError(logits.values, expected.values) < 1e-4)
    }
  }
}
