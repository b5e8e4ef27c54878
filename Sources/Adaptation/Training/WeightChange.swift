package import TensorEngine

/// How far training moved the weights.
package struct WeightChange: Sendable {
  /// ‖after − before‖ / ‖before‖ over all parameters.
  package let relative: Double
  /// How many tensors differ in at least one bit.
  package let changed: Int

  package init(before: [Tensor], after: [Parameter]) {
    var difference = 0.0
    var length = 0.0
    var changed = 0
    for (old, parameter) in zip(before, after) where parameter.role != .statistic {
      var moved = false
      let (was, new) = (old.pointer, parameter.tensor.pointer)
      for index in 0..<old.count {
        let delta = Double(new[index]) - Double(was[index])
        difference += delta * delta
        length += Double(was[index]) * Double(was[index])
        moved = moved || delta != 0
      }
      changed += moved ? 1 : 0
    }
    relative = length > 0 ? (difference / length).squareRoot() : 0
    self.changed = changed
  }
}
