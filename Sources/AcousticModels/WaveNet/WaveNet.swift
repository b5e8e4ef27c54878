package import TensorEngine

/// Gated convolutions whose reach doubles from layer to layer; what each adds goes to the next and, beside that, to
/// the output.
///
/// van den Oord et al. 2016 (WaveNet), as speech-to-text-wavenet's `model.py` has it: normalised before every
/// activation.
package final class WaveNet: AcousticNetwork {
  private let configuration: WaveNetConfiguration
  private let widen: Linear
  private let widenNorm: BatchNorm
  private let mix: Linear
  private let mixNorm: BatchNorm
  package let layers: [any EncoderLayer]
  package let outputLayer: Linear

  package var sizes: any NetworkConfiguration { configuration }
  package var layerName: String { "layers" }
  package var batchNorms: [BatchNorm] { [widenNorm, mixNorm] + layers.flatMap(\.batchNorms) }

  init(_ configuration: WaveNetConfiguration, from source: ParameterSource) throws {
    self.configuration = configuration
    let width = configuration.width
    widen = try Linear(
      "front", inputs: configuration.inputBins, outputs: width, bias: false, from: source)
    widenNorm = try BatchNorm(
      "front_norm", size: width, epsilon: 1e-8, momentum: 0.01, from: source)
    layers = try (0..<configuration.layerCount).map {
      try GatedLayer(
        "layers.\($0)", dilation: configuration.dilations[$0 % configuration.dilations.count],
        configuration, from: source)
    }
    mix = try Linear("mix", inputs: width, outputs: width, bias: false, from: source)
    mixNorm = try BatchNorm("mix_norm", size: width, epsilon: 1e-8, momentum: 0.01, from: source)
    outputLayer = try Linear(
      "output", inputs: width, outputs: configuration.labelCount, from: source)
  }

  /// Beside each frame lies the sum of what the layers gave so far: [rows, 2 · width].
  package func entry(
    _ batch: FeatureBatch, _ pass: Pass
  ) -> (hidden: Tensor, segments: Segments) {
    let segments = Segments(frames: batch.valid)
    let x = widenNorm(widen(batch.packed, result: .float32, pass), segments, pass).activated(.tanh)
    return (x.besideZeros(), segments)
  }

  package func logits(
    _ hidden: Tensor, _ segments: Segments, _ pass: Pass
  ) -> (logits: Tensor, segments: Segments) {
    let sum = hidden.half(1)
    let x = mixNorm(mix(sum, result: .float32, pass), segments, pass).activated(.tanh)
    return (outputLayer(x, result: .float32, pass), segments)
  }
}

/// [rows, 2 · width] to the same: frames, and the sum of what was added to them.
package final class GatedLayer: EncoderLayer {
  private let filter, gate: Convolution1D
  private let mix: Linear
  private let filterNorm, gateNorm, mixNorm: BatchNorm
  private let adapter: BottleneckAdapter?
  package var profile: BottleneckAdapter?

  init(
    _ name: String, dilation: Int, _ configuration: WaveNetConfiguration,
    from source: ParameterSource
  ) throws {
    let (width, kernel) = (configuration.width, configuration.kernel)
    // As many frames before as the kernel reaches; causal ones drop what is heard of later ones.
    let padding = (configuration.isCausal ? kernel - 1 : kernel / 2) * dilation
    func convolution(_ part: String) throws -> Convolution1D {
      try Convolution1D(
        "\(name).\(part)", inputs: width, outputs: width, kernel: kernel, bias: false,
        padding: padding, dilation: dilation, from: source)
    }
    func norm(_ part: String) throws -> BatchNorm {
      try BatchNorm("\(name).\(part)", size: width, epsilon: 1e-8, momentum: 0.01, from: source)
    }
    filter = try convolution("filter")
    filterNorm = try norm("filter_norm")
    gate = try convolution("gate")
    gateNorm = try norm("gate_norm")
    mix = try Linear("\(name).mix", inputs: width, outputs: width, bias: false, from: source)
    mixNorm = try norm("mix_norm")
    adapter = try configuration.adapterWidth.map {
      try BottleneckAdapter(
        "\(name).\(BottleneckAdapter.name)", size: 2 * width, width: $0, from: source)
    }
  }

  package func callAsFunction(
    _ x: Tensor, shared: Tensor?, _ segments: Segments, _ pass: Pass
  ) -> Tensor {
    let frames = x.half(0)
    func heard(_ convolution: Convolution1D, _ norm: BatchNorm, _ activation: Activation) -> Tensor
    {
      let y = frames.mappingUtterances(segments, columns: frames.columns) { x in
        let y = convolution(x.reshaped([1, x.rows, x.columns]), pass)
        return y.reshaped([y.shape[1], y.shape[2]]).firstRows(x.rows)
      }.0
      return norm(y, segments, pass).activated(activation)
    }
    let gated = heard(filter, filterNorm, .tanh).multiplied(by: heard(gate, gateNorm, .sigmoid))
    let added = mixNorm(mix(gated, result: .float32, pass), segments, pass).activated(.tanh)
    return [adapter, profile].reduce(x.adding(added.twiceBeside())) { y, adapter in
      adapter.map { $0(y, pass) } ?? y
    }
  }

  package var linears: [Linear] { [mix] }
  package var hiddenConsumers: [Linear] { [] }
  package var batchNorms: [BatchNorm] { [filterNorm, gateNorm, mixNorm] }
}

extension Tensor {
  /// One half of the columns: [rows, 2 · n] to [rows, n].
  fileprivate func half(_ index: Int) -> Tensor {
    reshaped([2 * rows, columns / 2])
      .gatheringRows((0..<rows).map { Int32(2 * $0 + index) })
  }

  /// [rows, n] to [rows, 2 · n].
  fileprivate func twiceBeside() -> Tensor {
    let rows = rows
    return gatheringRows((0..<2 * rows).map { Int32($0 / 2) }).reshaped([rows, 2 * columns])
  }

  fileprivate func besideZeros() -> Tensor {
    let rows = rows
    let both = Tensor.stacked([self, Tensor(repeating: 0, shape: shape)])
    return both.gatheringRows((0..<2 * rows).map { Int32($0 % 2 * rows + $0 / 2) })
      .reshaped([rows, 2 * columns])
  }

  fileprivate func firstRows(_ count: Int) -> Tensor {
    rows == count ? self : gatheringRows((0..<Int32(count)).map { $0 })
  }
}
