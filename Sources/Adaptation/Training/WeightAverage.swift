import CKernels
package import TensorEngine

/// An exponential moving average of the weights over the updates: what the noise of single batches adds to
/// them cancels (Polyak and Juditsky 1992; the exponential form is that of Tarvainen and Valpola 2017).
package final class WeightAverage {
  private let parameters: [Parameter]
  /// One for each parameter, in its shape.
  package let averages: [Tensor]
  private let decay: Double

  /// Begins as the weights are now.
  ///
  /// - Parameters:
  ///   - parameters: statistics too, which belong to the weights that they were gathered under.
  ///   - decay: how much of the average each update keeps, 0 … 1.
  package init(_ parameters: [Parameter], decay: Double) {
    self.parameters = parameters
    self.decay = decay
    averages = parameters.map { Tensor($0.tensor.values, shape: $0.tensor.shape) }
  }

  /// Takes in the weights after update number `count`, from 1. The first updates weigh more, so that the
  /// beginning is soon forgotten.
  package func update(count: Int) {
    let kept = min(decay, Double(1 + count) / Double(10 + count))
    for (average, parameter) in zip(averages, parameters) {
      ck_lerp(average.pointer, parameter.tensor.pointer, average.count, Float(1 - kept))
    }
  }

  /// Puts the averages into the network and keeps the weights meanwhile; a second call undoes the first.
  package func swap() {
    for (average, parameter) in zip(averages, parameters) {
      let weights = parameter.tensor
      for index in 0..<average.count {
        Swift.swap(&average.pointer[index], &weights.pointer[index])
      }
      weights.didChange()
    }
  }
}
