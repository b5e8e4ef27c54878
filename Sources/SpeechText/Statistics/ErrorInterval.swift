import Basics

/// An error rate and the interval in which 95 % of its bootstrap resamples lie.
public struct ErrorInterval: Sendable, Codable, Hashable {
  /// The pooled rate: all errors over all reference lengths.
  public let rate: Double
  public let lower: Double
  public let upper: Double
  public let unit: ResamplingUnit
  /// How many speakers or utterances there were to draw from.
  public let units: Int

  /// Whether there are units enough for the interval to mean what it says.
  public var isResolvable: Bool { units >= unit.fewestUnits }

  /// The percentile bootstrap of a pooled error rate (Efron 1979; Bisani and Ney 2004).
  ///
  /// - Parameters:
  ///   - utterances: at least one.
  ///   - confidence: the share of resamples inside, below 1.
  /// - Throws: `IdiolectError` `.invalidData` for no utterances.
  public init(
    _ utterances: [ScoredUtterance], resamples: Int = 10_000, confidence: Double = 0.95,
    seed: UInt64 = 1
  ) throws {
    precondition(resamples > 0 && confidence > 0 && confidence < 1)
    guard !utterances.isEmpty else {
      throw IdiolectError(.invalidData, "an error rate over no utterances has no interval")
    }
    let groups = ResamplingUnit.groups(speakers: utterances.map(\.speaker))
    var rows = [SIMD4<Int>](repeating: .zero, count: groups.count)
    for (utterance, group) in zip(utterances, groups.group) {
      rows[group] &+= SIMD4(utterance.counts.errors, utterance.counts.referenceLength, 0, 0)
    }
    var random = SeededRandom(seed: seed, 0xB007)
    var rates: [Double] = []
    rates.reserveCapacity(resamples)
    Resampling.run(rows: rows, resamples: resamples, random: &random) {
      rates.append(Resampling.rate($0[0], $0[1]))
    }
    rates.sort()
    let total = rows.reduce(.zero, &+)
    rate = Resampling.rate(total[0], total[1])
    lower = Resampling.quantile(rates, (1 - confidence) / 2)
    upper = Resampling.quantile(rates, (1 + confidence) / 2)
    unit = groups.unit
    units = groups.count
  }
}
