import TensorEngine
import Testing

extension GradientCheckTests {
  /// Utterances of 4, 1, 0 and 6 frames, of which some are padding, or none.
  static let packings = [
    Segments(frames: [4, 1, 0, 6]), Segments(frames: [4, 1, 0, 6], valid: [3, 1, 0, 4]),
    Segments(frames: [4, 1, 0, 6], valid: [4, 0, 0, 1]),
  ]

  @Test(arguments: packings) func attention(_ segments: Segments) throws {
    try GradientCheck.expect((1...3).map { .random(11, 6, seed: $0) }) {
      $0[0].attention(keys: $0[1], values: $0[2], heads: 2, segments, pass)
    }
  }

  @Test(arguments: packings) func relativeAttention(_ segments: Segments) throws {
    // Positions for 7 frames, one more than the longest utterance.
    let positions: [Tensor] = [
      .random(13, 6, seed: 4), .random(2, 3, seed: 5), .random(2, 3, seed: 6),
    ]
    try GradientCheck.expect((1...3).map { .random(11, 6, seed: $0) } + positions) {
      $0[0].attention(
        keys: $0[1], values: $0[2], positions: ($0[3], $0[4], $0[5]), heads: 2, segments, pass)
    }
  }

  @Test(arguments: packings) func gatedAttention(_ segments: Segments) throws {
    let others: [Tensor] = [.random(13, 2, seed: 4), .random(11, 2, seed: 5)]
    try GradientCheck.expect((1...3).map { .random(11, 6, seed: $0) } + others) {
      $0[0].attention(
        keys: $0[1], values: $0[2], biases: ($0[3], $0[4]), heads: 2, segments, pass)
    }
  }

  @Test func distanceGates() throws {
    try GradientCheck.expect([.random(12, 8, seed: 1), .random(1, 3, 1, 1, seed: 2)]) {
      $0[0].distanceGates($0[1])
    }
  }

  @Test(arguments: packings) func rotation(_ segments: Segments) throws {
    try GradientCheck.expect([.random(11, 8, seed: 1)]) {
      $0[0].rotated(by: Tensor([1, 0.3], shape: [2]), segments)
    }
  }

  @Test(arguments: packings) func causalDepthwise(_ segments: Segments) throws {
    try GradientCheck.expect([
      .random(11, 5, seed: 1), .random(5, 1, 3, seed: 2), .random(5, seed: 3),
    ]) {
      $0[0].depthwiseConvolution($0[1], bias: $0[2], isCausal: true, segments)
    }
  }

  @Test func attentionDropout() throws {
    try GradientCheck.expect((1...3).map { .random(11, 6, seed: $0) }) {
      $0[0].attention(
        keys: $0[1], values: $0[2], heads: 3, Self.packings[1], dropout: 0.3,
        Pass(training: true, precision: .float32, seed: 5))
    }
  }

  /// One tensor as queries, keys and values: three shares of one gradient.
  @Test func attentionToItself() throws {
    try GradientCheck.expect([.random(11, 6, seed: 1)]) {
      $0[0].attention(keys: $0[0], values: $0[0], heads: 1, Self.packings[0], pass)
    }
  }

  struct Kernel: Sendable, CustomStringConvertible {
    var description: String
    /// [out, in / groups, height, width]
    var weight: [Int]
    var options: ConvolutionShape
  }

  static let kernels = [
    Kernel(description: "plain", weight: [3, 4, 3, 2], options: .init()),
    Kernel(
      description: "strided", weight: [3, 4, 3, 3], options: .init(stride: (2, 3), padding: (1, 2))),
    Kernel(
      description: "dilated", weight: [3, 4, 2, 3],
      options: .init(padding: (2, 1), dilation: (3, 2))),
    Kernel(
      description: "grouped", weight: [6, 2, 3, 3], options: .init(padding: (1, 1), groups: 2)),
    Kernel(
      description: "depthwise", weight: [4, 1, 3, 3],
      options: .init(stride: (2, 2), padding: (1, 1), groups: 4)),
    Kernel(description: "pointwise", weight: [5, 4, 1, 1], options: .init()),
  ]

  @Test(arguments: kernels, [true, false]) func convolution2D(_ kernel: Kernel, _ hasBias: Bool)
    throws
  {
    let weight = Tensor.random(
      kernel.weight[0], kernel.weight[1], kernel.weight[2], kernel.weight[3], seed: 2)
    let bias: [Tensor] = hasBias ? [.random(kernel.weight[0], seed: 3)] : []
    try GradientCheck.expect([.random(2, 7, 6, 4, seed: 1), weight] + bias) {
      $0[0].convolution2D($0[1], bias: hasBias ? $0[2] : nil, kernel.options, pass)
    }
  }

  @Test func convolution2DOfOneChannel() throws {
    try GradientCheck.expect(
      [.random(2, 7, 6, 1, seed: 1), .random(4, 1, 3, 3, seed: 2), .random(4, seed: 3)]
    ) {
      $0[0].convolution2D($0[1], bias: $0[2], .init(stride: (2, 2), padding: (1, 1)), pass)
    }
  }

  @Test func convolution1D() throws {
    try GradientCheck.expect(
      [.random(2, 11, 6, seed: 1), .random(9, 2, 4, seed: 2), .random(9, seed: 3)]
    ) {
      $0[0].convolution1D($0[1], bias: $0[2], stride: 3, padding: 2, dilation: 2, groups: 3, pass)
    }
    try GradientCheck.expect([.random(1, 5, 3, seed: 1), .random(2, 3, 5, seed: 2)]) {
      $0[0].convolution1D($0[1], bias: nil, padding: 2, pass)
    }
  }

  @Test(arguments: packings, [1, 2]) func lstm(_ segments: Segments, _ directions: Int) throws {
    let weights = (0..<directions).flatMap { direction -> [Tensor] in
      let seed = UInt64(10 * direction)
      return [
        .random(12, 5, seed: seed + 2), .random(12, 3, seed: seed + 3),
        .random(12, seed: seed + 4), .random(12, seed: seed + 5),
      ]
    }
    let state: [Tensor] = [
      .random(directions, 4, 3, seed: 30), .random(directions, 4, 3, seed: 31),
    ]
    for initial in [[], state] {
      try GradientCheck.expect([.random(11, 5, seed: 1)] + weights + initial) { inputs in
        inputs[0].lstm(
          (0..<directions).map {
            let at = 1 + 4 * $0
            return LongShortTermMemoryWeights(
              input: inputs[at], recurrent: inputs[at + 1],
              biases: (inputs[at + 2], inputs[at + 3]))
          }, segments,
          from: initial.isEmpty
            ? nil
            : LongShortTermMemoryState(
              hidden: inputs[inputs.count - 2], cells: inputs[inputs.count - 1]), pass)
      }
    }
  }

  @Test(arguments: packings, [1, 3, 9]) func depthwise(_ segments: Segments, _ kernel: Int) throws {
    try GradientCheck.expect(
      [.random(11, 5, seed: 1), .random(5, 1, kernel, seed: 2), .random(5, seed: 3)]
    ) { $0[0].depthwiseConvolution($0[1], bias: $0[2], segments) }
  }

  /// 67 channels: a block of 64 and a rest.
  @Test func depthwiseOfManyChannels() throws {
    try GradientCheck.expect([.random(11, 67, seed: 1), .random(67, 1, 3, seed: 2)]) {
      $0[0].depthwiseConvolution($0[1], bias: nil, Self.packings[1])
    }
  }

  @Test func zeroingInvalidFrames() throws {
    try GradientCheck.expect([.random(3, 4, 5, seed: 1)]) { $0[0].zeroingInvalidFrames([2, 4, 0]) }
    try GradientCheck.expect([.random(2, 4, 3, 2, seed: 1)]) { $0[0].zeroingInvalidFrames([1, 9]) }
  }
}
