import Basics

/// What one forward pass is for: training or evaluation, in which precision, with which random draws.
public final class Pass {
  public let training: Bool
  public let precision: Precision
  private var random: SeededRandom

  public init(training: Bool, precision: Precision, seed: UInt64 = 0) {
    self.training = training
    self.precision = precision
    random = SeededRandom(seed: seed)
  }

  /// A seed for the next operation that draws.
  package func nextSeed() -> UInt64 { random.next() }

  /// A uniform draw in 0 ..< 1.
  package func draw() -> Float { random.uniform() }
}
