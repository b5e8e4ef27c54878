import Basics
import TensorEngine
import TestSupport
import Testing

/// Oracle: PyTorch and transformers in float64, values and gradients (Scripts/golden/operations.py).
@Suite struct PyTorchOperationTests {
  let pass = Pass(training: false, precision: .float32)

  @Test func allOperationsAreThere() { #expect(OperationCase.names.count >= 39) }

  @Test(arguments: OperationCase.names) func matches(_ name: String) throws {
    let golden = try OperationCase(name)
    try onEngine {
      switch try golden.settings["operation"].string() {
      case "linear": try linear(golden)
      case "matmul", "bmm": try product(golden)
      case "conv1d": try convolution1D(golden)
      case "conv2d": try convolution2D(golden)
      case "layer_norm": try layerNorm(golden)
      case "batch_norm": try batchNorm(golden)
      case "embedding": try embedding(golden)
      case "attention": try attention(golden)
      case "relative_attention": try relativeAttention(golden)
      case "lstm": try recurrence(golden)
      case "mean", "sum": try reduction(golden)
      case let operation: try elementwise(golden, operation)
      }
    }
  }

  private func linear(_ golden: OperationCase) throws {
    try golden.compare { $0["input"]!.linear($0["weight"]!, bias: $0["bias"], pass) }
  }

  private func product(_ golden: OperationCase) throws {
    try golden.compare { inputs in
      let (a, b) = (inputs["input"]!, inputs["other"]!)
      if a.shape.count == 3 { return a.matmul(b, pass) }
      return a.reshaped([1] + a.shape).matmul(b.reshaped([1] + b.shape), pass)
    }
  }

  private func convolution1D(_ golden: OperationCase) throws {
    let channelsLast = ["input": [0, 2, 1], "output": [0, 2, 1]]
    let (stride, padding) = (
      try golden.settings["stride"].int(), try golden.settings["padding"].int()
    )
    let dilation = try golden.settings["dilation"].int()
    let groups = try golden.settings["groups"].int()
    try golden.compare(orders: channelsLast) {
      $0["input"]!.convolution1D(
        $0["weight"]!, bias: $0["bias"], stride: stride, padding: padding, dilation: dilation,
        groups: groups, pass)
    }
    guard golden.name.contains("depthwise") else { return }
    try golden.compare(orders: channelsLast) { inputs in
      let x = inputs["input"]!
      let (batch, frames, channels) = (x.shape[0], x.shape[1], x.shape[2])
      return x.reshaped([batch * frames, channels]).depthwiseConvolution(
        inputs["weight"]!, bias: inputs["bias"],
        Segments(frames: Array(repeating: frames, count: batch)))
    }
  }

  private func convolution2D(_ golden: OperationCase) throws {
    let (stride, padding) = (
      try golden.settings["stride"].int(), try golden.settings["padding"].int()
    )
    let options = ConvolutionShape(
      stride: (stride, stride), padding: (padding, padding),
      groups: try golden.settings["groups"].int())
    try golden.compare(orders: ["input": [0, 2, 3, 1], "output": [0, 2, 3, 1]]) {
      $0["input"]!.convolution2D($0["weight"]!, bias: $0["bias"], options, pass)
    }
  }

  private func recurrence(_ golden: OperationCase) throws {
    let lengths = try golden.settings["lengths"].array().map { try $0.int() }
    let directions = try golden.settings["directions"].int()
    let frames = lengths.max()!
    let segments = Segments(frames: lengths.map { _ in frames }, valid: lengths)
    try golden.compare { inputs in
      let layer = try LongShortTermMemory(
        "", inputs: 6, hidden: 5, isBidirectional: directions == 2,
        from: ParameterSource { _, _ in nil })
      let weights = ["", "_reverse"].prefix(directions).map { suffix in
        LongShortTermMemoryWeights(
          input: inputs["weight_ih_l0\(suffix)"]!, recurrent: inputs["weight_hh_l0\(suffix)"]!,
          biases: (inputs["bias_ih_l0\(suffix)"]!, inputs["bias_hh_l0\(suffix)"]!))
      }
      #expect(layer.directions.map(\.recurrent.shape) == weights.map(\.recurrent.shape))
      let initial = inputs["hidden_0"].map {
        LongShortTermMemoryState(hidden: $0, cells: inputs["cell_0"]!)
      }
      return inputs["input"]!.reshaped([segments.rows, 6])
        .lstm(weights, segments, from: initial, pass)
        .reshaped([lengths.count, frames, 5 * directions])
    }
  }

  private func layerNorm(_ golden: OperationCase) throws {
    let epsilon = try golden.settings["epsilon"].float()
    try golden.compare {
      $0["input"]!.layerNorm(gain: $0["weight"]!, bias: $0["bias"]!, epsilon: epsilon)
    }
  }

  private func batchNorm(_ golden: OperationCase) throws {
    let epsilon = try golden.settings["epsilon"].float()
    let training = try golden.settings["training"].bool()
    try golden.compare(orders: ["input": [0, 2, 1], "output": [0, 2, 1]]) { inputs in
      let (x, gain, bias) = (inputs["input"]!, inputs["weight"]!, inputs["bias"]!)
      if training {
        return x.batchNormLive(gain: gain, bias: bias, epsilon: epsilon, use: nil).result
      }
      return x.batchNorm(
        gain: gain, bias: bias, mean: inputs["running_mean"]!, variance: inputs["running_var"]!,
        epsilon: epsilon)
    }
  }

  private func embedding(_ golden: OperationCase) throws {
    try golden.compare { $0["weight"]!.gatheringRows($0["indices"]!.values.map { Int32($0) }) }
  }

  private func reduction(_ golden: OperationCase) throws {
    let isMean = try golden.settings["operation"].string() == "mean"
    try golden.compare { inputs in
      let x = inputs["input"]!
      if golden.name.hasSuffix("-all") { return isMean ? x.mean() : x.sum() }
      // Over dimension 1: a product with ones.
      let ones = Tensor(repeating: isMean ? 1 / Float(x.shape[1]) : 1, shape: [2, x.shape[1], 1])
      return x.transposedLast().matmul(ones, pass)
    }
  }

  private func elementwise(_ golden: OperationCase, _ operation: String) throws {
    let halves = operation == "glu" ? ["input": [0, 2, 1], "output": [0, 2, 1]] : [:]
    try golden.compare(orders: halves) { inputs in
      let x = inputs["input"]!
      switch golden.name {
      case "glu": return x.gatedLinearUnit()
      case "silu": return x.activated(.silu)
      case "gelu-exact": return x.activated(.gelu)
      case "gelu-tanh": return x.activated(.geluTanh)
      case "relu": return x.activated(.relu)
      case "softmax": return x.softmax()
      case "log_softmax": return x.softmax(logarithm: true)
      default: throw IdiolectError(.unsupported, "no operation of ours for \(golden.name)")
      }
    }
  }
}
