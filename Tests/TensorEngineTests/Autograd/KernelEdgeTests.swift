import Basics
import CKernels
import Foundation
import TensorEngine
import TestSupport
import Testing

/// Extreme values, and sizes around blocks, vectors and threads. Oracle: plain loops in float64.
@Suite struct KernelEdgeTests {
  static let extremes: [Float] = [
    -.infinity, -1e30, -1000, -88.5, -87, -20, -1, -0.05, -1e-3, -1e-20, 0, 1e-20, 1e-3, 0.0499,
    0.0501, 1, 20, 87, 88.5, 1000, 1e30, .infinity,
  ]

  @Test(arguments: [Activation.sigmoid, .tanh, .relu]) func extremeInputs(_ function: Activation)
    throws
  {
    try onEngine {
      let x = Tensor(Self.extremes, shape: [Self.extremes.count])
      let expected = Self.extremes.map { value -> Double in
        switch function {
        case .sigmoid: 1 / (1 + exp(-Double(value)))
        case .tanh: Foundation.tanh(Double(value))
        default: max(0, Double(value))
        }
      }
      for ((input, y), exact) in zip(zip(Self.extremes, x.activated(function).values), expected) {
        let near = abs(Double(y) - exact) <= 2e-6 * abs(exact) + 1e-37
        #expect(Double(y) == exact || near, "\(function)(\(input)) = \(y), not \(exact)")
      }
    }
  }

  /// Across the place where one polynomial of the error function takes over from the other.
  @Test func geluOfEverySize() throws {
    try onEngine {
      let inputs = (-4096...4096).map { Float($0) / 512 }
      let y = Tensor(inputs, shape: [inputs.count]).activated(.gelu).values
      for (x, y) in zip(inputs, y) {
        let exact = 0.5 * Double(x) * (1 + erf(Double(x) / 2.0.squareRoot()))
        #expect(
          abs(Double(y) - exact) < 2e-7 * Double(max(1, abs(x))), "gelu(\(x)) = \(y), not \(exact)")
      }
    }
  }

  @Test(arguments: [Activation.relu, .silu, .gelu, .geluTanh, .sigmoid, .tanh, .clippedReLU])
  func notANumberStaysVisible(_ function: Activation) throws {
    try onEngine { #expect(Tensor([.nan], shape: [1]).activated(function).scalar.isNaN) }
  }

  @Test func softmaxOfLargeValues() throws {
    try onEngine {
      let x = Tensor([1e4, 1e4, -1e4, -.infinity], shape: [1, 4])
      #expect(Golden.relativeError(x.softmax().values, [0.5, 0.5, 0, 0]) < 1e-6)
      let logarithms = x.softmax(logarithm: true).values
      #expect(abs(logarithms[0] + Float(log(2.0))) < 1e-3 && logarithms[3] == -.infinity)
    }
  }

  /// Rows and columns that fill no block, on either side of what one thread takes.
  @Test(arguments: [(1, 1), (63, 127), (65, 129), (300, 257), (1000, 515)])
  func gradientsOverManyRows(_ rows: Int, _ columns: Int) throws {
    try onEngine {
      let x = Tensor.random(rows, columns, seed: 1)
      let (gain, bias) = (Tensor.random(columns, seed: 2), Tensor.random(columns, seed: 3))
      let gradient = Tensor.random(rows, columns, seed: 4)
      let tape = Tape()
      let (mean, variance) = (
        Tensor.random(columns, seed: 5), Tensor(repeating: 1, shape: [columns])
      )
      let y = tape.recording {
        x.batchNorm(gain: gain, bias: bias, mean: mean, variance: variance, epsilon: 0)
      }
      tape.backward(from: y, gradient: gradient)
      var (sums, products) = (
        [Double](repeating: 0, count: columns), [Double](repeating: 0, count: columns)
      )
      var output: [Float] = []
      for row in 0..<rows {
        for j in 0..<columns {
          let d = Double(gradient.pointer[row * columns + j])
          let centred = Double(x.pointer[row * columns + j]) - Double(mean.pointer[j])
          sums[j] += d
          products[j] += d * centred
          output.append(Float(centred * Double(gain.pointer[j]) + Double(bias.pointer[j])))
        }
      }
      #expect(Golden.relativeError(y.values, output) < 1e-6)
      #expect(Golden.relativeError(bias.gradient!.values, sums.map { Float($0) }) < 1e-6)
      #expect(Golden.relativeError(gain.gradient!.values, products.map { Float($0) }) < 1e-6)
      var columnSums = [Float](repeating: 1, count: columns)
      ck_column_sum(gradient.pointer, CK_FLOAT32, &columnSums, rows, columns, true)
      #expect(Golden.relativeError(columnSums, sums.map { Float($0 + 1) }) < 1e-6)
    }
  }

  @Test(arguments: [1, 7, 32_767, 32_768, 100_001]) func everyElementIsVisited(_ count: Int) throws
  {
    try onEngine {
      let a = Tensor((0..<count).map { Float($0 % 1000) }, shape: [count])
      #expect(a.adding(a, scaledBy: -1).values.allSatisfy { $0 == 0 })
      #expect(a.scaled(by: 2).values == a.adding(a).values)
      #expect(Double(a.sum().scalar) == Double(Float(a.values.reduce(0.0) { $0 + Double($1) })))
      let dropped = a.adding(Tensor(repeating: 1, shape: [count]))
        .dropout(0.25, Pass(training: true, precision: .float32, seed: 3)).values
      let kept = dropped.count { $0 != 0 }
      // Within six deviations of the rate.
      #expect(abs(Double(kept) - 0.75 * Double(count)) <= 6 * (0.1875 * Double(count)).squareRoot())
    }
  }

  @Test func sizesOfConvolutions() throws {
    func frames(_ width: Int64, kernel: Int64, stride: Int64, pad: Int64, dilation: Int64) -> Int64
    {
      var shape = ck_conv_shape(
        type: CK_FLOAT32, batch: 1, height: 1, width: width, in: 1, out: 1, groups: 1,
        kernel_height: 1,
        kernel_width: kernel, stride_height: 1, stride_width: stride, pad_height: 0,
        pad_width: pad, dilation_height: 1, dilation_width: dilation)
      return ck_conv_out_width(&shape)
    }
    #expect(frames(10, kernel: 3, stride: 1, pad: 0, dilation: 1) == 8)
    #expect(frames(10, kernel: 3, stride: 2, pad: 1, dilation: 1) == 5)
    #expect(frames(3, kernel: 3, stride: 2, pad: 0, dilation: 1) == 1)
    // The kernel is longer than what there is.
    #expect(frames(1, kernel: 3, stride: 3, pad: 0, dilation: 1) == 0)
    #expect(frames(4, kernel: 3, stride: 4, pad: 0, dilation: 2) == 0)
  }

  /// Convolutions of so many frames that they are computed in parts give what the parts give by themselves.
  @Test(arguments: [Precision.float32, .bfloat16]) func longConvolution(_ precision: Precision)
    throws
  {
    if precision == .bfloat16 && !ck_has_bfloat16() { return }
    try onEngine {
      let (frames, inputs, outputs, stride) = (17_003, 64, 80, 2)
      let weight = Tensor.random(outputs, inputs, 3, seed: 1)
      let bias = Tensor.random(outputs, seed: 2)
      let x = Tensor.random(2, frames, inputs, seed: 3)
      let pass = Pass(training: false, precision: precision)
      let whole = x.convolution1D(weight, bias: bias, stride: stride, pass)
      let count = (frames - 3) / stride + 1
      #expect(whole.shape == [2, count, outputs])
      let (values, all) = (x.values, whole.values)
      for utterance in 0..<2 {
        for first in Swift.stride(from: 0, to: count, by: 1700) {
          let some = min(1700, count - first)
          let begin = (utterance * frames + first * stride) * inputs
          let width = (some - 1) * stride + 3
          let part = Tensor(
            Array(values[begin..<begin + width * inputs]), shape: [1, width, inputs]
          ).convolution1D(weight, bias: bias, stride: stride, pass).values
          let place = (utterance * count + first) * outputs
          let error = Golden.relativeError(Array(all[place..<place + some * outputs]), part)
          #expect(error < (precision == .float32 ? 1e-6 : 1e-2), "from \(first): \(error)")
        }
      }
    }
  }

  @Test func convolutionOfNoUtterances() throws {
    try onEngine {
      let weight = Tensor.random(4, 3, 3, seed: 1)
      let bias = Tensor.random(4, seed: 2)
      let x = Tensor([], shape: [0, 9, 3])
      x.requiresGradient = true
      let tape = Tape()
      let y = tape.recording {
        x.convolution1D(weight, bias: bias, padding: 1, Pass(training: false, precision: .float32))
      }
      #expect(y.shape == [0, 9, 4])
      tape.backward(from: y)
      #expect(weight.gradient!.values.allSatisfy { $0 == 0 })
      #expect(bias.gradient!.values == [0, 0, 0, 0])
      #expect(x.gradient!.shape == [0, 9, 3])
    }
  }
}
