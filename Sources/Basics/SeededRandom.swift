/// A random stream that a seed and a purpose determine: the same on every machine, in any order.
///
/// SplitMix64 (Steele, Lea, Flood 2014). Its whole state is one integer, so a run that stops can go on.
public struct SeededRandom: RandomNumberGenerator, Sendable, Codable, Hashable {
  public private(set) var state: UInt64

  public init(seed: UInt64) { state = seed }

  /// An independent stream for one purpose, such as epoch 3 of utterance 17: `SeededRandom(seed: 1, 3, 17)`.
  public init(seed: UInt64, _ purpose: Int...) {
    state = seed
    for part in purpose {
      state = SeededRandom.mix(state &+ 0x9E37_79B9_7F4A_7C15) ^ UInt64(bitPattern: Int64(part))
    }
    state = SeededRandom.mix(state)
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return SeededRandom.mix(state)
  }

  /// Uniform in [0, 1), with 24 random bits.
  public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// Uniform in `range`.
  public mutating func uniform(_ range: ClosedRange<Float>) -> Float {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }

  /// Uniform in 0 ..< `bound`.
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "bound must be positive, is \(bound)")
    return Int(UInt64(bound).multipliedFullWidth(by: next()).high)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
