import Basics

/// Whether an adapted model differs from its base on the same utterances.
///
///     difference = rate(adapted) − rate(base)        negative: fewer errors
///
/// Both are resampled together, so what is hard about an utterance or a voice cancels.
public struct PairedBootstrap: Sendable, Codable, Hashable {
  /// Difference of the pooled rates.
  public let difference: Double
  public let lower: Double
  public let upper: Double
  /// The share of resamples in which the adapted model makes fewer errors; ties count half.
  public let probabilityBetter: Double
  public let unit: ResamplingUnit
  public let units: Int

  /// - Parameters:
  ///   - base: errors of the base, an entry an utterance.
  ///   - adapted: errors of the adapted model on the same utterances in the same order.
  ///   - speakers: whose each utterance is, where known.
  /// - Throws: `IdiolectError` `.invalidData` for no utterances.
  public init(
    base: [ErrorCounts], adapted: [ErrorCounts], speakers: [String?], resamples: Int = 10_000,
    confidence: Double = 0.95, seed: UInt64 = 1
  ) throws {
    precondition(
      base.count == adapted.count && base.count == speakers.count,
      "\(base.count) base against \(adapted.count) adapted against \(speakers.count) speakers")
    precondition(resamples > 0 && confidence > 0 && confidence < 1)
    guard !base.isEmpty else {
      throw IdiolectError(.invalidData, "two models cannot be compared on no utterances")
    }
    let groups = ResamplingUnit.groups(speakers: speakers)
    var rows = [SIMD4<Int>](repeating: .zero, count: groups.count)
    for (index, group) in groups.group.enumerated() {
      rows[group] &+= SIMD4(
        base[index].errors, base[index].referenceLength, adapted[index].errors,
        adapted[index].referenceLength)
    }
    func difference(_ sum: SIMD4<Int>) -> Double {
      Resampling.rate(sum[2], sum[3]) - Resampling.rate(sum[0], sum[1])
    }
    var random = SeededRandom(seed: seed, 0xB007)
    var differences: [Double] = []
    differences.reserveCapacity(resamples)
    Resampling.run(rows: rows, resamples: resamples, random: &random) {
      differences.append(difference($0))
    }
    let better = differences.reduce(0.0) { $0 + ($1 < 0 ? 1 : $1 == 0 ? 0.5 : 0) }
    differences.sort()
    self.difference = difference(rows.reduce(.zero, &+))
    lower = Resampling.quantile(differences, (1 - confidence) / 2)
    upper = Resampling.quantile(differences, (1 + confidence) / 2)
    probabilityBetter = better / Double(resamples)
    unit = groups.unit
    units = groups.count
  }

  /// Whether there are units enough for the interval to mean what it says.
  public var isResolvable: Bool { units >= unit.fewestUnits }
  /// Fewer errors, beyond chance.
  public var isBetter: Bool { isResolvable && upper < 0 }
  /// More errors, beyond chance.
  public var isWorse: Bool { isResolvable && lower > 0 }
}
