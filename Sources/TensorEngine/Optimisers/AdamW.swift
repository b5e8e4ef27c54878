import CKernels

/// Parameters that share a learning rate and a weight decay.
public struct ParameterGroup {
  public let parameters: [Parameter]
  /// Times the schedule's rate.
  public let rateScale: Double
  public let weightDecay: Double
  /// The share of training, 0 … 1, after which it begins to train.
  public private(set) var start: Double
  /// In place of weight decay: how strongly each update draws the weights back to where they were when the group
  /// was made; nil for not at all.
  public let pull: Double?
  /// Where that was, one for each parameter; nil without a pull. Here rather than in the optimiser, because
  /// several trainings may follow one another.
  package let anchors: [Tensor]?

  public init(
    _ parameters: [Parameter], rateScale: Double = 1, weightDecay: Double = 0, start: Double = 0,
    pull: Double? = nil
  ) {
    self.parameters = parameters
    self.rateScale = rateScale
    self.weightDecay = weightDecay
    self.start = start
    self.pull = pull
    anchors = pull.map { _ in parameters.map { Tensor($0.tensor.values, shape: $0.tensor.shape) } }
  }

  /// The group in a training that goes on from another: it trains from the start, and is held where it was.
  package func goingOn() -> ParameterGroup {
    var group = self
    group.start = 0
    return group
  }
}

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), as PyTorch computes it.
public final class AdamW {
  /// One parameter with its running moments.
  package struct Slot {
    package let parameter: Parameter
    package let rateScale: Double
    package let weightDecay: Double
    package let start: Double
    package let pull: Double
    /// Where the parameter is held; nil without a pull.
    package let anchor: Tensor?
    /// Added to the pull, element by element.
    package var importance: Tensor?
    package let first: Tensor
    package let second: Tensor
  }

  package private(set) var slots: [Slot]
  /// Updates made.
  package var step = 0
  public let beta1, beta2, epsilon: Double

  public init(
    _ groups: [ParameterGroup], beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8
  ) {
    slots = groups.flatMap { group in
      group.parameters.enumerated().map { index, parameter in
        Slot(
          parameter: parameter, rateScale: group.rateScale, weightDecay: group.weightDecay,
          start: group.start, pull: group.pull ?? 0, anchor: group.anchors?[index],
          importance: nil,
          first: Tensor(repeating: 0, shape: parameter.tensor.shape),
          second: Tensor(repeating: 0, shape: parameter.tensor.shape))
      }
    }
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  /// The Euclidean norm of all gradients together.
  public func gradientNorm() -> Double {
    slots.reduce(0) { sum, slot in
      sum + (slot.parameter.tensor.gradient.map { ck_sum_squares($0.pointer, $0.count) } ?? 0)
    }.squareRoot()
  }

  /// Moves every parameter that has a gradient, and drops the gradients.
  ///
  /// - Parameters:
  ///   - rate: the learning rate before a group's scale.
  ///   - factor: what gradients are multiplied by first: clipping, accumulation.
  public func update(rate: Double, gradientFactor factor: Double = 1) {
    step += 1
    for slot in slots {
      let tensor = slot.parameter.tensor
      guard let gradient = tensor.gradient else { continue }
      if factor != 1 {
        ck_scale_into(gradient.pointer, Float(factor), gradient.pointer, gradient.count)
      }
      ck_adamw(
        tensor.pointer, gradient.pointer, slot.first.pointer, slot.second.pointer, tensor.count,
        rate * slot.rateScale, beta1, beta2, epsilon, slot.anchor == nil ? slot.weightDecay : 0,
        Int64(step))
      slot.drawBack(rate: rate)
      tensor.didChange()
      tensor.gradient = nil
    }
  }

  /// Says how much each element of the slots' parameters matters, beside the pull of its group.
  package func hold(_ importances: [Tensor]) {
    precondition(importances.count == slots.count, "\(importances.count) for \(slots.count)")
    for index in slots.indices where slots[index].anchor != nil {
      slots[index].importance = importances[index]
    }
  }

  /// Forgets gradients without using them.
  public func dropGradients() {
    for slot in slots { slot.parameter.tensor.gradient = nil }
  }
}

extension AdamW.Slot {
  /// Moves the weights toward where they are held: decoupled from the moments, as weight decay is.
  fileprivate func drawBack(rate: Double) {
    guard let anchor else { return }
    let tensor = parameter.tensor
    let step = rate * rateScale
    guard let importance else {
      return ck_lerp(tensor.pointer, anchor.pointer, tensor.count, Float(min(1, step * pull)))
    }
    let (weights, origin, held) = (tensor.pointer, anchor.pointer, importance.pointer)
    let (even, scale) = (Float(step * pull), Float(step))
    for index in 0..<tensor.count {
      weights[index] +=
        min(1, even + scale * held[index]) * (origin[index] - weights[index])
    }
  }
}
