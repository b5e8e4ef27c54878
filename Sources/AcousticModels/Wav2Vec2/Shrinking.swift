import Basics
import TensorEngine

/// What leaves fewer frames of what an encoder gives, `add_adapter` in transformers: layers with a convolution each.
struct Shrinking: Sendable, Equatable {
  var layerCount: Int
  var kernel = 3
  var stride = 2
  var padding = 1
  /// Of what comes out.
  var size: Int

  /// - Parameter config: transformers' settings; nil where they have none of it.
  init?(_ config: JSONNode, hiddenSize: Int, layerCount: Int) throws {
    guard try config["add_adapter"].bool(default: false) else { return nil }
    self.layerCount = try config["num_adapter_layers"].int(default: layerCount)
    kernel = try config["adapter_kernel_size"].int(default: kernel)
    stride = try config["adapter_stride"].int(default: stride)
    size = try config["output_hidden_size"].int(default: hiddenSize)
  }

  /// - Parameter require: throws what a setting is that does not hold.
  func validate(_ require: (_ holds: Bool, _ what: String) throws -> Void) throws {
    for (name, value, most) in [
      ("num_adapter_layers", layerCount, 8), ("adapter_kernel_size", kernel, 1 << 10),
      ("adapter_stride", stride, 8), ("output_hidden_size", size, 1 << 20),
    ] {
      try require((1...most).contains(value), "\(name) is \(value), it must lie in 1 … \(most)")
    }
  }

  /// Frames that come in to one that comes out.
  var factor: Int { (0..<layerCount).reduce(1) { step, _ in step * stride } }

  /// Frames that come out of so many.
  func frames(_ count: Int) -> Int {
    (0..<layerCount).reduce(count) { count, _ in
      let padded = count + 2 * padding
      return count == 0 || padded < kernel ? 0 : (padded - kernel) / stride + 1
    }
  }

  func convolution(_ name: String, from source: ParameterSource) throws -> Convolution1D {
    try Convolution1D(
      name, inputs: size, outputs: 2 * size, kernel: kernel, stride: stride, padding: padding,
      from: source)
  }
}

/// To the size of what shrinks, where that is another than the encoder's.
struct SizeChange {
  private let linear: Linear
  private let norm: LayerNorm

  init?(
    _ name: String, inputs: Int, outputs: Int, epsilon: Float = 1e-5, from source: ParameterSource
  ) throws {
    guard inputs != outputs else { return nil }
    linear = try Linear("\(name).proj", inputs: inputs, outputs: outputs, from: source)
    norm = try LayerNorm(
      "\(name).proj_layer_norm", size: outputs, epsilon: epsilon, from: source)
  }

  func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    norm(linear(x, result: .float32, pass))
  }
}

/// Gated convolutions alone: those of wav2vec 2.0.
///
/// In training transformers skips some layers of any kind that shrinks (`layerdrop`), which makes more frames than
/// it then counts; here all are always done.
final class ConvolutionalAdapter {
  private let sizeChange: SizeChange?
  private let convolutions: [Convolution1D]

  init(_ name: String, inputs: Int, _ shrinking: Shrinking, from source: ParameterSource) throws {
    sizeChange = try SizeChange(name, inputs: inputs, outputs: shrinking.size, from: source)
    convolutions = try (0..<shrinking.layerCount).map {
      try shrinking.convolution("\(name).layers.\($0).conv", from: source)
    }
  }

  /// [rows, inputs] to [fewer rows, size].
  func callAsFunction(
    _ x: Tensor, _ segments: Segments, _ pass: Pass
  ) -> (Tensor, Segments) {
    convolutions.reduce((sizeChange?(x, pass) ?? x, segments)) {
      $0.0.shrunk(by: $1, $0.1, pass)
    }
  }
}

extension Tensor {
  /// A gated convolution of each utterance: [rows, columns] to [fewer rows, columns].
  func shrunk(
    by convolution: Convolution1D, _ segments: Segments, _ pass: Pass
  ) -> (Tensor, Segments) {
    mappingUtterances(segments, columns: columns) { x in
      let room = x.rows + 2 * convolution.padding
      guard room >= convolution.weight.columns else {
        return Tensor(repeating: 0, shape: [0, x.columns])
      }
      let y = convolution(x.reshaped([1, x.rows, x.columns]), pass)
      return y.reshaped([y.shape[1], y.shape[2]]).gatedLinearUnit()
    }
  }

  /// What `body` makes of each utterance's rows, packed: [rows, …] to [other rows, columns].
  func mappingUtterances(
    _ segments: Segments, columns: Int, _ body: (Tensor) -> Tensor
  ) -> (Tensor, Segments) {
    let parts = (0..<segments.count).map { index in
      let rows = segments.validRange(index)
      guard !rows.isEmpty else { return Tensor(repeating: 0, shape: [0, columns]) }
      return body(rows.count == self.rows ? self : gatheringRows(rows.map { Int32($0) }))
    }
    return (Tensor.stacked(parts), Segments(frames: parts.map(\.rows)))
  }
}
