import CKernels

/// Where the gradient of one tensor gathers: apart from its values, for the tape outlives most of these.
///
/// A rule that needs a tensor's gradient but not its values holds the slot, and the values' memory is
/// free as soon as the forward pass is done with them.
package final class GradientSlot {
  package let shape: [Int]
  package var isRequired = false
  package var gradient: Tensor?
  /// What a first share is made in; sums of several are float32.
  package var precision: Precision

  package init(shape: [Int], precision: Precision) {
    self.shape = shape
    self.precision = precision
  }

  /// Adds `share` to the gradient. The first share is kept as it is, without a copy.
  package func accumulate(_ share: Tensor) {
    guard isRequired else { return }
    precondition(
      share.count == shape.reduce(1, *), "gradient \(share.shape) for a tensor \(shape)")
    if gradient == nil {
      gradient = share.shape == shape ? share : share.view(shape)
      return
    }
    ownGradient()
    let sum = gradient!
    ck_add_scaled(sum.pointer, share.pointer, 1, sum.pointer, sum.count)
    sum.didChange()
  }

  /// Lets `write` make a share of the gradient in place: into a new tensor of the slot's precision, or
  /// added to the float32 sum that is there.
  package func addShare(_ write: (_ target: Tensor, _ adding: Bool) -> Void) {
    guard isRequired else { return }
    if gradient == nil {
      let first = Tensor(uninitialised: shape, precision)
      write(first, false)
      gradient = first
    } else {
      ownGradient()
      write(gradient!, true)
      gradient!.didChange()
    }
  }

  /// Lets `write` make a share in float32, whatever the slot's precision.
  package func accumulate(_ write: (_ target: UnsafeMutablePointer<Float>, _ adding: Bool) -> Void)
  {
    guard isRequired else { return }
    let adding = gradient != nil
    if adding { ownGradient() } else { gradient = Tensor(uninitialised: shape) }
    let sum = gradient!
    write(sum.pointer, adding)
    sum.didChange()
  }

  /// Copies the gradient, in float32, if something else holds it: a sum hands one gradient to both its terms.
  private func ownGradient() {
    guard var held = gradient else { return }
    gradient = nil
    if !isKnownUniquelyReferenced(&held) || !held.ownsFloat32 { held = held.copy() }
    gradient = held
  }
}
