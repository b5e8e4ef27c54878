import Adaptation
import Testing

/// What an epoch's plan promises, over many sizes.
struct BatchPlanTests {
  private func plan(
    _ seconds: [Double], batch: Double = 10, speeds: [Double] = [0.9, 1, 1.1], seed: UInt64 = 1,
    epoch: Int = 0
  ) -> BatchPlan {
    BatchPlan(seconds: seconds, batchSeconds: batch, speeds: speeds, seed: seed, epoch: epoch)
  }

  private let seconds = (0..<500).map { 0.5 + Double($0 * 7919 % 113) / 10 }

  @Test(arguments: 0..<4) func everyItemOnceAnEpoch(_ epoch: Int) {
    let items = plan(seconds, epoch: epoch).batches.joined().map(\.item)
    #expect(items.sorted() == Array(seconds.indices))
  }

  @Test(arguments: [1.0, 10, 60, 1e6]) func boundedAudio(_ limit: Double) {
    for batch in plan(seconds, batch: limit).batches {
      let lengths = batch.map { seconds[$0.item] / $0.speed }
      // Padded to the longest; one that is longer than the limit goes alone.
      #expect(batch.count == 1 || lengths.max()! * Double(batch.count) <= limit)
    }
  }

  @Test func neighboursAreOfLikeLength() {
    let batches = plan(seconds, batch: 60).batches
    let lengths = batches.map { $0.map { seconds[$0.item] / $0.speed } }
    let padded = lengths.reduce(0) { $0 + $1.max()! * Double($1.count) }
    let real = lengths.joined().reduce(0, +)
    #expect(padded < 1.25 * real)
  }

  @Test func determinedBySeedAndEpoch() {
    #expect(plan(seconds).batches == plan(seconds).batches)
    let others = [plan(seconds, epoch: 1), plan(seconds, seed: 2), plan(seconds, epoch: 2)]
    #expect(Set(([plan(seconds)] + others).map(\.batches)).count == 4)
  }

  @Test func speeds() {
    let draws = plan(seconds).batches.joined()
    for speed in [0.9, 1, 1.1] {
      let share = Double(draws.count { $0.speed == speed }) / Double(draws.count)
      #expect((0.25...0.42).contains(share), "\(speed)")
    }
    #expect(plan(seconds, speeds: []).batches.joined().allSatisfy { $0.speed == 1 })
    let first = Dictionary(uniqueKeysWithValues: draws.map { ($0.item, $0.speed) })
    let next = plan(seconds, epoch: 1).batches.joined()
    #expect(next.contains { first[$0.item] != $0.speed })
  }

  /// What leads makes up its share of as much audio as before, and no draw comes twice.
  @Test(arguments: [0, 0.3, 0.6, 0.9]) func leading(_ share: Double) {
    let first = seconds.count * 9 / 10
    let natural = seconds[first...].reduce(0, +) / seconds.reduce(0, +)
    let plan = BatchPlan(
      seconds: seconds, mixture: .init(first: first, share: share, keepsOthers: false),
      batchSeconds: 60, speeds: [], seed: 1, epoch: 3)
    let draws = plan.batches.joined()
    let leading = draws.filter { $0.item >= first }.reduce(0) { $0 + seconds[$1.item] }
    let all = draws.reduce(0) { $0 + seconds[$1.item] }
    #expect(abs(leading / all - max(share, natural)) < 0.02)
    #expect(abs(all / seconds.reduce(0, +) - 1) < 0.02)
    #expect(Set(draws).count == draws.count)
    #expect(Set(draws.filter { $0.item >= first }.map(\.item)).count == seconds.count - first)
  }

  /// However often an item comes, its copies are drawn a speed each; those of a fixed view are the same.
  @Test(arguments: [nil, 1] as [Int?]) func copiesHaveSpeedsOfTheirOwn(_ view: Int?) {
    let (first, speeds) = (seconds.count * 19 / 20, [0.9, 1, 1.1])
    let plan = BatchPlan(
      seconds: seconds, mixture: .init(first: first, share: 0.6, keepsOthers: false),
      batchSeconds: 60, speeds: speeds, seed: 1, epoch: 3, view: view)
    let draws = plan.batches.joined()
    let leading = draws.filter { $0.item >= first }
    let led = leading.reduce(0) { $0 + seconds[$1.item] }
    let all = draws.reduce(0) { $0 + seconds[$1.item] }
    #expect(abs(led / all - 0.6) < 0.02)
    for speed in speeds {
      let share = Double(leading.count { $0.speed == speed }) / Double(leading.count)
      #expect(view != nil || (0.25...0.42).contains(share), "\(speed)")
    }
    for (item, copies) in Dictionary(grouping: leading, by: \.item) {
      #expect(copies.count > 8)
      // A dozen and more at one speed by chance: once in ten thousand.
      #expect((Set(copies.map(\.speed)).count > 1) == (view == nil), "\(item)")
    }
  }

  @Test func edges() {
    #expect(plan([]).batches.isEmpty)
    #expect(plan([1e9]).batches.count == 1)
    #expect(plan([0.1, 0.1]).batches.joined().count == 2)
  }
}
