import Basics

/// What one forward pass is for: training or evaluation, in which precision, with which random draws.
public final class Pass {
  public let training: Bool
  public let precision: Precision
  /// Whether what lies within a layer is computed again on the way back rather than kept.
  public let recomputes: Bool
  /// Whether linear layers compute in 8 bits, where nothing trains.
  public let quantises: Bool
  /// Whether this computes again what a pass before it did, so that statistics have seen it.
  package let isRepeat: Bool
  private var random: SeededRandom

  public init(
    training: Bool, precision: Precision, seed: UInt64 = 0, recomputes: Bool = false,
    quantises: Bool = false
  ) {
    precondition(!training || !quantises, "nothing learns in 8 bits")
    (self.training, self.precision, self.recomputes) = (training, precision, recomputes)
    (self.quantises, isRepeat) = (quantises, false)
    random = SeededRandom(seed: seed)
  }

  /// Draws what another one draws from here on.
  init(repeating other: Pass) {
    (training, precision, random) = (other.training, other.precision, other.random)
    (recomputes, quantises, isRepeat) = (false, other.quantises, true)
  }

  /// A pass that uses the network and changes nothing.
  package static func evaluation(_ precision: Precision) -> Pass {
    Pass(training: false, precision: precision)
  }

  /// A seed for the next operation that draws.
  package func nextSeed() -> UInt64 { random.next() }

  /// A uniform draw in 0 ..< 1.
  package func draw() -> Float { random.uniform() }
}
