import Basics
import CKernels
import CTC
import TensorEngine

/// Every kind of work by name; the other side, peer.py, has the same names, numbers and inputs.
enum Catalogue {
  static func work(_ kind: String, _ precision: Precision, _ words: [String]) throws -> Work {
    let n = words.compactMap { Int($0) }
    switch kind {
    case "linear":
      return operation([[n[0], n[1]]], weights: [[n[2], n[1]], [n[2]]], precision) { x, w, pass in
        x[0].linear(w[0], bias: w[1], pass)
      }
    case "products":
      return operation([[n[0], n[1], n[2]], [n[0], n[2], n[3]]], weights: [], precision) {
        x, _, pass in x[0].matmul(x[1], pass)
      }
    case "convolution2d":
      let options = ConvolutionShape(
        stride: (n[6], n[6]), padding: (n[7], n[7]), groups: n[8])
      return operation(
        [[n[0], n[1], n[2], n[3]]], weights: [[n[4], n[3] / n[8], n[5], n[5]], [n[4]]], precision
      ) { x, w, pass in x[0].convolution2D(w[0], bias: w[1], options, pass) }
    case "convolution1d":
      return operation(
        [[n[0], n[1], n[2]]], weights: [[n[3], n[2], n[4]], [n[3]]], precision
      ) { x, w, pass in
        x[0].convolution1D(w[0], bias: w[1], stride: n[5], padding: n[6], pass)
      }
    case "depthwise":
      let segments = Segments(frames: [Int](repeating: n[1], count: n[0]))
      return operation(
        [[n[0] * n[1], n[2]]], weights: [[n[2], 1, n[3]], [n[2]]], precision, held: .float32
      ) { x, w, _ in x[0].depthwiseConvolution(w[0], bias: w[1], segments) }
    case "lstm":
      let segments = Segments(frames: [Int](repeating: n[1], count: n[0]))
      let sizes = [[4 * n[3], n[2]], [4 * n[3], n[3]], [4 * n[3]], [4 * n[3]]]
      return operation(
        [[n[0] * n[1], n[2]]], weights: Array(repeating: sizes, count: n[4]).flatMap { $0 },
        precision
      ) { x, w, pass in
        x[0].lstm(
          (0..<n[4]).map {
            LongShortTermMemoryWeights(
              input: w[4 * $0], recurrent: w[4 * $0 + 1], biases: (w[4 * $0 + 2], w[4 * $0 + 3]))
          }, segments, pass)
      }
    case "layernorm":
      return operation(
        [[n[0], n[1]]], weights: [[n[1]], [n[1]]], precision, held: .float32
      ) { x, w, pass in x[0].layerNorm(gain: w[0], bias: w[1], result: pass.precision) }
    case "softmax":
      return operation([[n[0] * n[1], n[2]]], weights: [], precision, held: .float32) { x, _, _ in
        x[0].softmax()
      }
    case "ctc": return ctc(n)
    case "features": return try FeatureWork.work(words[0], seconds: n[0])
    case "ceiling": return ceiling(precision, n[0])
    case "forward", "step", "losses":
      return try Networks.work(kind, precision, directory: words[0], seconds: n[0], count: n[1])
    case let kind where kind.hasPrefix("upper:"):
      return try FrozenEpochs.work(
        upper: Int(kind.dropFirst(6))!, precision, directory: words[0], seconds: n[0], count: n[1])
    default: throw IdiolectError(.invalidArgument, "no work is called \(kind)")
    }
  }

  /// Values in ±scale that a number determines, the same on both sides.
  static func random(_ shape: [Int], _ stream: Int, scale: Float = 1) -> Tensor {
    var random = SeededRandom(seed: UInt64(stream))
    return Tensor(
      (0..<shape.reduce(1, *)).map { _ in random.uniform(-scale...scale) }, shape: shape)
  }

  /// An operation forward and back: results are its output and the gradients of inputs and weights.
  ///
  /// - Parameter held: what inputs and gradients are held in; where nil, as between two layers of a
  ///   network in this precision.
  private static func operation(
    _ inputs: [[Int]], weights: [[Int]], _ precision: Precision, held: Precision? = nil,
    _ body: @escaping ([Tensor], [Tensor], Pass) -> Tensor
  ) -> Work {
    let held = held ?? precision
    let x = inputs.enumerated().map { random($1, $0 + 1).kept(held) }
    let w = weights.enumerated().map { random($1, $0 + 11, scale: 0.1) }
    for tensor in x + w { tensor.requiresGradient = true }
    let pass = Pass(training: true, precision: precision, seed: 1)
    let shape = body(x, w, pass).shape
    let gradient = random(shape, 21).kept(held)
    var output: Tensor?
    return Work(
      run: {
        for tensor in x + w { tensor.gradient = nil }
        let tape = Tape()
        let y = tape.recording { body(x, w, pass) }
        tape.backward(from: y, gradient: gradient)
        output = y
      },
      results: { [output!] + (x + w).map { $0.gradient! } })
  }

  /// frames, batch, labels, target length.
  private static func ctc(_ n: [Int]) -> Work {
    let logits = random([n[1] * n[0], n[2]], 1, scale: 4)
    logits.requiresGradient = true
    var random = SeededRandom(seed: 2)
    let batch = PackedSegment.packed(frames: [Int](repeating: n[0], count: n[1])).map { segment in
      CTCUtterance(
        name: "\(segment.firstRow)", segment: segment,
        target: (0..<n[3]).map { _ in Int32(1 + random.integer(below: n[2] - 1)) })
    }
    let loss = CTCLoss(labels: n[2], blank: 0)
    var value: Tensor?
    return Work(
      run: {
        logits.gradient = nil
        let tape = Tape()
        let sum = try tape.recording {
          try loss.onTape(logits: logits, utterances: batch, policy: .fail).0
        }
        tape.backward(from: sum)
        value = sum
      },
      results: { [value!, logits.gradient!] })
  }

  /// One square product, the fastest that the library does here.
  private static func ceiling(_ precision: Precision, _ size: Int) -> Work {
    let a = random([size, size], 1).kept(precision)
    let b = random([size, size], 2).kept(precision)
    let c = Tensor(uninitialised: [size, size])
    return Work(
      run: {
        multiply(
          .plain(m: size, n: size, k: size, precision: precision), a.held.pointer, b.held.pointer,
          into: c.pointer)
      },
      results: { [c] })
  }
}
