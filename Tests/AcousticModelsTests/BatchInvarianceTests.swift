import AcousticFeatures
import AcousticModels
import Basics
import TensorEngine
import TestSupport
import Testing

/// In evaluation and float32, an utterance's logits do not depend on its batch nor on padding.
@Suite struct BatchInvarianceTests {
  static let tolerance = 1e-4

  private func network() throws -> FastConformer {
    var configuration = FastConformerConfiguration()
    configuration.hiddenSize = 48
    configuration.layerCount = 3
    configuration.headCount = 3
    configuration.intermediateSize = 100
    configuration.subsamplingChannels = 10
    configuration.melBins = 40
    configuration.labelCount = 31
    configuration.blank = 30
    try configuration.validate(file: "test")
    return try FastConformer(configuration, from: ParameterSource(seed: 5))
  }

  /// Normal noise of `valid` frames, then zeros.
  private func utterance(_ valid: Int, padding: Int = 0, seed: UInt64) -> Features {
    var random = SeededRandom(seed: seed)
    let values = (0..<valid * 40).map { _ in random.normal() }
    return Features(
      frames: valid + padding, bins: 40, validFrames: valid,
      values: values + [Float](repeating: 0, count: padding * 40))
  }

  /// The logits of each utterance's valid output frames.
  private func logits(
    _ network: FastConformer, _ features: [Features], keepsInvalidFrames: Bool = false
  ) -> [[Float]] {
    let (logits, segments) = network(
      FeatureBatch(features, keepsInvalidFrames: keepsInvalidFrames),
      Pass(training: false, precision: .float32))
    return (0..<segments.count).map { logits.rowsView(segments.validRange($0)).values }
  }

  /// Odd lengths: shorter than a step of the subsampling, at its edges, and long.
  static let lengths = [1, 7, 8, 9, 33, 101, 160, 257]

  @Test func inAnyBatch() throws {
    try onEngine {
      let network = try network()
      let features = Self.lengths.enumerated().map { utterance($1, seed: UInt64($0)) }
      let alone = features.map { logits(network, [$0])[0] }
      for (length, logits) in zip(Self.lengths, alone) {
        #expect(logits.count == network.sizes.outputFrames(length) * 31)
      }
      let orders = [
        Array(features.indices), features.indices.reversed(), [3, 3, 7], [0, 5], [6, 2, 4, 1],
      ]
      for order in orders {
        for (index, logits) in zip(order, logits(network, order.map { features[$0] })) {
          let error = Golden.relativeError(logits, alone[index])
          #expect(
            error < Self.tolerance, "\(Self.lengths[index]) frames in \(order): off by \(error)")
        }
      }
    }
  }

  /// Zeros after an utterance, run through the network or left out, change nothing.
  @Test(arguments: [1, 6, 50]) func withAnyPadding(_ padding: Int) throws {
    try onEngine {
      let network = try network()
      let features = Self.lengths.enumerated().map { utterance($1, seed: UInt64($0)) }
      let alone = features.map { logits(network, [$0])[0] }
      let padded = Self.lengths.enumerated().map {
        utterance($1, padding: padding + $0 * 3, seed: UInt64($0))
      }
      for keepsInvalidFrames in [false, true] {
        let together = logits(network, padded, keepsInvalidFrames: keepsInvalidFrames)
        for (index, logits) in together.enumerated() {
          let error = Golden.relativeError(logits, alone[index])
          #expect(error < Self.tolerance, "\(Self.lengths[index]) frames: off by \(error)")
        }
      }
    }
  }

  /// A change to one utterance reaches no other, to the bit.
  @Test func neighboursDoNotMatter() throws {
    try onEngine {
      let network = try network()
      let kept = utterance(101, seed: 1)
      let first = logits(network, [kept, utterance(257, seed: 2)])[0]
      let second = logits(network, [kept, utterance(257, seed: 3)])[0]
      #expect(first == second)
    }
  }
}
