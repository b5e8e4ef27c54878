package import TensorEngine

/// How far training moved the weights.
package struct WeightChange: Sendable {
  /// ‖after − before‖ / ‖before‖ over all parameters.
  package let relative: Double
  /// How many tensors differ in at least one bit.
  package let changed: Int

  package init(before: [[Float]], after: [Parameter]) {
    var difference = 0.0
    var length = 0.0
    var changed = 0
    for (old, parameter) in zip(before, after) where parameter.role != .statistic {
      var moved = false
      let new = parameter.tensor.values
      for index in old.indices {
        let delta = Double(new[index]) - Double(old[index])
        difference += delta * delta
        length += Double(old[index]) * Double(old[index])
        moved = moved || delta != 0
      }
      changed += moved ? 1 : 0
    }
    relative = length > 0 ? (difference / length).squareRoot() : 0
    self.changed = changed
  }
}
