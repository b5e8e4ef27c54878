import CKernels
import Foundation

/// How energies are compressed.
public struct Logarithm: Sendable, Codable, Hashable {
  public enum Kind: String, NamedChoice {
    case none
    /// ln x
    case natural
    /// log₁₀ x
    case decimal
    /// 10 · log₁₀ x
    case decibels
  }

  public enum Guard: Sendable, Codable, Hashable {
    /// x + offset
    case offset(Double)
    /// max(x, floor)
    case floor(Double)
    /// What stands for an exact zero.
    case zero(Double)
  }

  public var kind = Kind.natural
  /// What keeps zeros out of the logarithm.
  public var guarded = Guard.floor(1e-10)
  /// How far below the loudest value of a recording others may lie, in the logarithm's unit; nil for any.
  public var range: Double?
  /// Added after that, and what the sum is multiplied by.
  public var shift = 0.0
  public var gain = 1.0

  public init(
    _ kind: Kind = .natural, _ guarded: Guard = .floor(1e-10), range: Double? = nil,
    shift: Double = 0, gain: Double = 1
  ) {
    (self.kind, self.guarded, self.range) = (kind, guarded, range)
    (self.shift, self.gain) = (shift, gain)
  }

  public static let none = Logarithm(.none)
  /// Decibels, at most 80 below the loudest: `power_to_db` of librosa, and of those that follow it.
  public static let eightyDecibels = Logarithm(.decibels, .floor(1e-10), range: 80)

  func validate() throws {
    let least =
      switch guarded {
      case .offset(let value), .floor(let value), .zero(let value): value
      }
    try SpectralConfiguration.require(
      kind == .none || (least > 0 && least < 1),
      "the least energy under the logarithm is \(least), must be above 0 and below 1")
    try SpectralConfiguration.require(
      range.map { $0 > 0 && $0 < 1e30 } ?? true, "range is \(range ?? 0), must be above 0")
    try SpectralConfiguration.require(abs(shift) < 1e30, "shift is \(shift), must be a number")
    // Without a gain every feature would be the same.
    try SpectralConfiguration.require(
      (1e-30...1e30).contains(abs(gain)), "gain is \(gain), must be a number other than 0")
  }

  /// The logarithms of `count` values, in place; without range, shift and gain.
  func apply(_ values: UnsafeMutablePointer<Float>, count: Int) {
    let factor: Float
    switch kind {
    case .none: return
    case .natural: factor = 1
    case .decimal: factor = Float(1 / log(10.0))
    case .decibels: factor = Float(10 / log(10.0))
    }
    switch guarded {
    case .offset(let offset): ck_logarithm(values, count, CK_LOG_OFFSET, Float(offset), factor)
    case .floor(let floor): ck_logarithm(values, count, CK_LOG_FLOOR, Float(floor), factor)
    case .zero(let stand): ck_logarithm(values, count, CK_LOG_ZERO, Float(stand), factor)
    }
  }

  /// Whether the loudest value of the whole recording matters.
  var needsMaximum: Bool { kind != .none && range != nil }

  /// Whether there is a range, shift or gain.
  var isFinished: Bool { needsMaximum || shift != 0 || gain != 1 }

  /// Range, shift and gain, in place.
  func finish(_ values: UnsafeMutablePointer<Float>, count: Int, maximum: Float) {
    if kind != .none, let range {
      let least = maximum - Float(range)
      for index in 0..<count { values[index] = max(values[index], least) }
    }
    if shift != 0 || gain != 1 {
      let (shift, gain) = (Float(shift), Float(gain))
      for index in 0..<count { values[index] = (values[index] + shift) * gain }
    }
  }
}
