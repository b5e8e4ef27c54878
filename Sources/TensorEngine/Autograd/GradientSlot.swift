import CKernels

/// Where the gradient of one tensor gathers: apart from its values, for the tape outlives most of these.
///
/// A rule that needs a tensor's gradient but not its values holds the slot, and the values' memory is
/// free as soon as the forward pass is done with them.
package final class GradientSlot {
  package let shape: [Int]
  package var isRequired = false
  package var gradient: Tensor?

  package init(shape: [Int]) { self.shape = shape }

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

  /// Lets `write` make a share of the gradient in place: into new memory, or added to what is there.
  package func accumulate(_ write: (_ target: UnsafeMutablePointer<Float>, _ adding: Bool) -> Void)
  {
    guard isRequired else { return }
    if gradient == nil {
      let made = Tensor(uninitialised: shape)
      write(made.pointer, false)
      gradient = made
    } else {
      ownGradient()
      let sum = gradient!
      write(sum.pointer, true)
      sum.didChange()
    }
  }

  /// Copies the gradient if something else holds it: a sum hands one gradient to both its terms.
  private func ownGradient() {
    guard var held = gradient else { return }
    gradient = nil
    if !isKnownUniquelyReferenced(&held) || !held.ownsStorage { held = held.copy() }
    gradient = held
  }
}
