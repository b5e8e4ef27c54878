public import Basics

/// Hides random stretches of time and of frequency from the network in training.
///
/// Masked values become 0, the mean of normalised features. Only valid frames are masked. The defaults
/// are NeMo's for FastConformer.
///
/// Reference: Park et al. 2019, without time warping.
public struct SpecAugment: Sendable, Codable, Hashable {
  public var frequencyMasks = 2
  /// Widest frequency mask, in bins.
  public var frequencyWidthBins = 27
  public var timeMasks = 10
  /// Widest time mask, as a share of the valid frames.
  public var timeWidthFraction = 0.05

  public init() {}

  /// - Throws: `.invalidArgument` that names the first setting which makes no sense.
  public func validate() throws {
    guard (0...1000).contains(frequencyMasks), (0...1000).contains(timeMasks) else {
      throw IdiolectError(
        .invalidArgument,
        "SpecAugment: \(frequencyMasks) frequency masks and \(timeMasks) time masks; give 0 to 1000"
      )
    }
    guard (0...100_000).contains(frequencyWidthBins), (0...1).contains(timeWidthFraction) else {
      throw IdiolectError(
        .invalidArgument,
        "SpecAugment: masks of \(frequencyWidthBins) bins and \(timeWidthFraction) of the time; give a number of bins and a share from 0 to 1"
      )
    }
  }

  /// Masks `features` in place; the same random state gives the same masks.
  ///
  /// - Precondition: `validate()` does not throw.
  public func apply(to features: inout Features, random: inout SeededRandom) {
    let (bins, valid) = (features.bins, features.validFrames)
    guard valid > 0, bins > 0 else { return }
    // Samples have no frequencies to hide: a mask over their one bin would hide all of the recording.
    for _ in 0..<(bins > 1 ? frequencyMasks : 0) {
      let range = SpecAugment.range(within: bins, widest: frequencyWidthBins, random: &random)
      for frame in 0..<valid {
        for bin in range { features.values[frame * bins + bin] = 0 }
      }
    }
    let widest = Int(timeWidthFraction * Double(valid))
    for _ in 0..<timeMasks {
      let range = SpecAugment.range(within: valid, widest: widest, random: &random)
      for index in (range.lowerBound * bins)..<(range.upperBound * bins) {
        features.values[index] = 0
      }
    }
  }

  /// A width of 0 to `widest`, then a place for it, both uniform.
  private static func range(
    within count: Int, widest: Int, random: inout SeededRandom
  ) -> Range<Int> {
    let width = random.integer(below: min(widest, count) + 1)
    let start = random.integer(below: count - width + 1)
    return start..<(start + width)
  }
}
