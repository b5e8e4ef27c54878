package import AcousticModels
import TensorEngine

/// The base, which tells a network in training what it would have heard (Li and Hoiem 2016, learning without
/// forgetting).
package struct Teacher {
  private let network: any AcousticNetwork
  /// Of the distance beside the CTC loss, per frame.
  private let weight: Double

  /// - Parameter base: not the network in training; with the same labels.
  package init(_ base: AcousticModel, weight: Double) {
    network = base.network
    self.weight = weight
    for parameter in base.parameters { parameter.tensor.requiresGradient = false }
  }

  /// The base's logits, [output rows, labels].
  func logits(_ features: FeatureBatch, _ pass: Pass) -> Tensor { network(features, pass).logits }

  /// The base's logits of what enters block `depth`.
  func logits(_ hidden: Tensor, _ segments: Segments, depth: Int, _ pass: Pass) -> Tensor {
    network.upper(hidden, segments, depth: depth, pass).logits
  }

  /// The cross-entropy of a network's posteriors to the base's: a mean over valid frames, times labels, so that
  /// it weighs against a CTC loss that is a sum over labels.
  ///
  /// - Parameters:
  ///   - logits, taught: [output rows, labels], of the network and of the base.
  ///   - labels: of the batch's targets.
  func loss(_ logits: Tensor, taught: Tensor, _ segments: Segments, labels: Int) -> Tensor {
    let target = taught.softmax()
    let columns = target.columns
    var frames = 0
    for index in 0..<segments.count {
      let (all, valid) = (segments.range(index), segments.validRange(index))
      frames += valid.count
      for row in all where !valid.contains(row) {
        (target.pointer + row * columns).update(repeating: 0, count: columns)
      }
    }
    let scale = -weight * Double(labels) / Double(max(1, frames))
    return logits.softmax(logarithm: true).multiplied(by: target).sum().scaled(by: Float(scale))
  }
}
