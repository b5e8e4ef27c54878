import TensorEngine

/// Convolutions from samples to frames of 20 ms: [1, samples, 1] to [frames, channels].
///
/// Baevski et al. 2020 (wav2vec 2.0). One utterance at a time: what follows an utterance in a batch is not heard.
final class SampleConvolutions {
  private let convolutions: [Convolution1D]
  /// By channel over time, after the first.
  private let groupNorm: (gain: Tensor, bias: Tensor)?
  /// By frame over channels, after each.
  private let layerNorms: [LayerNorm]
  private let activation: Activation

  init(_ name: String, _ configuration: Wav2Vec2Configuration, from source: ParameterSource) throws
  {
    activation = configuration.extractorActivation
    var (convolutions, norms): ([Convolution1D], [LayerNorm]) = ([], [])
    var group: (Tensor, Tensor)?
    for index in configuration.convolutionChannels.indices {
      let channels = configuration.convolutionChannels[index]
      let layer = "\(name).conv_layers.\(index)"
      convolutions.append(
        try Convolution1D(
          "\(layer).conv", inputs: index == 0 ? 1 : configuration.convolutionChannels[index - 1],
          outputs: channels, kernel: configuration.convolutionKernels[index],
          bias: configuration.convolutionBias, stride: configuration.convolutionStrides[index],
          from: source))
      switch configuration.extractorNorm {
      case .layer:
        norms.append(try LayerNorm("\(layer).layer_norm", size: channels, from: source))
      case .group where index == 0:
        group = (
          try source.parameter(
            "\(layer).layer_norm.weight", [channels], .normalisation, .constant(1)),
          try source.parameter("\(layer).layer_norm.bias", [channels], .normalisation, .constant(0))
        )
      case .group: break
      }
    }
    (self.convolutions, layerNorms, groupNorm) = (convolutions, norms, group)
  }

  func callAsFunction(_ samples: Tensor, _ pass: Pass) -> Tensor {
    var x = samples
    for (index, convolution) in convolutions.enumerated() {
      let y = convolution(x, pass)
      var rows = y.reshaped([y.shape[1], y.shape[2]])
      if !layerNorms.isEmpty { rows = layerNorms[index](rows) }
      if index == 0, let groupNorm {
        rows =
          rows.batchNormLive(
            gain: groupNorm.gain, bias: groupNorm.bias, epsilon: 1e-5, use: nil
          ).result
      }
      x = rows.activated(activation, pass).reshaped([1, y.shape[1], y.shape[2]])
    }
    return x.reshaped([x.shape[1], x.shape[2]])
  }
}
