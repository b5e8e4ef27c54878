import Basics
import CKernels
import TensorEngine
import TestSupport
import Testing

/// Ragged utterances, odd bins and channels that fill no vector. Oracle: plain loops in float64.
@Suite struct SubsamplingKernelTests {
  static let precisions: [Precision] = ck_has_bfloat16() ? [.float32, .bfloat16] : [.float32]
  /// Shorter than a step, about the blocks of 16 and 32 rows, and none at all.
  static let frames = [1, 2, 3, 0, 131, 64, 270]
  static let valid = [1, 1, 3, 0, 131, 61, 250]
  static let longest = 270

  /// Weights and biases of the first convolution, of the stem's depthwise one, and of one more.
  private func parameters(_ channels: Int) -> [Tensor] {
    (0..<3).flatMap { index -> [Tensor] in
      [
        .random(channels, 1, 3, 3, seed: UInt64(10 + index), scale: 0.4),
        .random(channels, seed: UInt64(20 + index), scale: 0.2),
      ]
    }
  }

  /// The stem and a further halving, as with a factor of 8: the result, then every parameter's gradient.
  private func run(_ bins: Int, _ channels: Int, _ precision: Precision) -> [[Float]] {
    let batch = Self.frames.count
    let x = input(bins).view([batch * Self.longest, bins])
    let pass = Pass(training: true, precision: precision)
    let p = parameters(channels)
    let stem = Halving(
      first: (0..<batch).map { $0 * Self.longest }, frames: Self.frames, valid: Self.valid, steps: 2
    )
    let further = Halving(
      first: stem.outFirst.map { Int($0) }, frames: stem.outFrames.map { Int($0) },
      valid: stem.outValid.map { Int($0) }, steps: 1)
    let tape = Tape()
    let output = tape.recording {
      x.stem(first: (p[0], p[1]), depthwise: (p[2], p[3]), stem, pass)
        .halvingDepthwise(p[4], bias: p[5], further, pass)
    }
    tape.backward(
      from: output, gradient: Tensor.random(output.count, seed: 2).view(output.shape))
    return [output.values] + p.map { $0.gradient!.values }
  }

  /// [batch, longest, bins]
  private func input(_ bins: Int) -> Tensor {
    let x = Tensor.random(Self.frames.count, Self.longest, bins, seed: 1)
    x.requiresGradient = false
    return x
  }

  private func expected(_ bins: Int, _ channels: Int) -> [[Float]] {
    let x = input(bins).values.map { Double($0) }
    let p = parameters(channels).map { $0.values.map { Double($0) } }
    let chains = Self.frames.indices.filter { Self.frames[$0] > 0 }.map { index in
      let (frames, start) = (Self.frames[index], index * Self.longest * bins)
      let first = PlainHalving(
        Array(x[start..<start + frames * bins]), frames, Self.valid[index], bins, 1, p[0], p[1])
      let second = PlainHalving(
        first.output.map { max(0, $0) }, first.outFrames, first.outValid, first.outBins, channels,
        p[2], p[3])
      let third = PlainHalving(
        second.output, second.outFrames, second.outValid, second.outBins, channels, p[4], p[5])
      return (first, second, third)
    }
    let output = chains.flatMap(\.2.output)
    let above = Tensor.random(output.count, seed: 2).values.map { Double($0) }
    var sums = p.map { [Double](repeating: 0, count: $0.count) }
    func add(_ share: [Double], to index: Int) {
      for at in share.indices { sums[index][at] += share[at] }
    }
    var start = 0
    for (first, second, third) in chains {
      let end = start + third.output.count
      let thirds = third.backward(Array(above[start..<end]))
      let seconds = second.backward(thirds.x)
      let firsts = first.backward(zip(seconds.x, first.output).map { $1 > 0 ? $0 : 0 })
      for (index, share) in [firsts, seconds, thirds].enumerated() {
        add(share.weight, to: 2 * index)
        add(share.bias, to: 2 * index + 1)
      }
      start = end
    }
    return ([output] + sums).map { $0.map { Float($0) } }
  }

  @Test(arguments: [(8, 1), (9, 7), (80, 16), (24, 17), (16, 24), (11, 40)], precisions)
  func oddSizes(_ sizes: (Int, Int), _ precision: Precision) throws {
    let (bins, channels) = sizes
    try onEngine {
      let pairs = zip(run(bins, channels, precision), expected(bins, channels))
      for (index, (ours, exact)) in pairs.enumerated() {
        let error = Golden.relativeError(ours, exact)
        #expect(
          error < (precision == .float32 ? 1e-5 : 0x1p-6), "result \(index) is off by \(error)")
      }
    }
  }

  @Test(arguments: precisions) func threadsChangeNothing(_ precision: Precision) throws {
    try onEngine {
      let threads = ck_threads()
      defer { ck_set_threads(threads) }
      func bits(_ threads: Int32) -> [[UInt32]] {
        ck_set_threads(threads)
        return run(24, 17, precision).map { $0.map(\.bitPattern) }
      }
      let one = bits(1)
      #expect(one.joined().allSatisfy { Float(bitPattern: $0).isFinite })
      #expect(bits(3) == one)
    }
  }
}

/// A 3 × 3 convolution of stride 2 and padding 1 over one utterance, a channel at a time or from one channel.
private struct PlainHalving {
  let outFrames, outValid, outBins: Int
  /// [outFrames, outBins, channels], 0 from `outValid` on.
  private(set) var output: [Double]
  private let x: [Double]
  private let weight: [Double]
  private let frames, bins, inputs, channels: Int

  init(
    _ x: [Double], _ frames: Int, _ valid: Int, _ bins: Int, _ inputs: Int, _ weight: [Double],
    _ bias: [Double]
  ) {
    (self.x, self.frames, self.bins, self.inputs, self.weight) = (x, frames, bins, inputs, weight)
    channels = bias.count
    (outFrames, outValid, outBins) = ((frames + 1) / 2, (valid + 1) / 2, (bins + 1) / 2)
    output = [Double](repeating: 0, count: outFrames * outBins * channels)
    var result = output
    for at in 0..<outValid * outBins * channels { result[at] = bias[at % channels] }
    overTaps { result[$0] += weight[$1] * x[$2] }
    output = result
  }

  /// The gradients of the input and both parameters.
  func backward(_ above: [Double]) -> (x: [Double], weight: [Double], bias: [Double]) {
    var dx = [Double](repeating: 0, count: x.count)
    var dweight = [Double](repeating: 0, count: weight.count)
    var dbias = [Double](repeating: 0, count: channels)
    for at in 0..<outValid * outBins * channels { dbias[at % channels] += above[at] }
    overTaps {
      dweight[$1] += above[$0] * x[$2]
      dx[$2] += above[$0] * weight[$1]
    }
    return (dx, dweight, dbias)
  }

  /// Every product: where it goes in the output, its weight, its input.
  private func overTaps(_ body: (Int, Int, Int) -> Void) {
    for t in 0..<outValid {
      for m in 0..<outBins {
        for tap in 0..<9 {
          let (row, bin) = (2 * t + tap / 3 - 1, 2 * m + tap % 3 - 1)
          guard row >= 0, row < frames, bin >= 0, bin < bins else { continue }
          for c in 0..<channels {
            body(
              (t * outBins + m) * channels + c, c * 9 + tap,
              (row * bins + bin) * inputs + min(c, inputs - 1))
          }
        }
      }
    }
  }
}
