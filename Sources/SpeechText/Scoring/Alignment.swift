/// A cheapest way to turn a reference into a hypothesis, by substitution, insertion and deletion.
///
/// Levenshtein distance; memory is linear in the lengths (Hirschberg 1975), so hour-long texts align.
/// Where several ways cost the same, one is chosen by a fixed rule.
public struct Alignment: Sendable, Hashable {
  /// One step; indices count from the start of each sequence.
  public enum Step: Sendable, Hashable {
    case correct(reference: Int, hypothesis: Int)
    case substitution(reference: Int, hypothesis: Int)
    /// In the reference only.
    case deletion(reference: Int)
    /// In the hypothesis only.
    case insertion(hypothesis: Int)
  }

  public private(set) var steps: [Step] = []

  /// Aligns two sequences. Time: product of the lengths, after the common beginning and end are cut.
  public init<Item: Hashable>(reference: [Item], hypothesis: [Item]) {
    var numbers: [Item: Int32] = [:]
    func number(_ items: [Item]) -> [Int32] {
      items.map { item in
        if let known = numbers[item] { return known }
        let new = Int32(truncatingIfNeeded: numbers.count)
        numbers[item] = new
        return new
      }
    }
    let a = number(reference)
    let b = number(hypothesis)
    steps.reserveCapacity(max(a.count, b.count))
    // Iterative, because the halving could otherwise recurse once for each halving of the text.
    var pending = [(a[...], b[...])]
    while let (a, b) = pending.popLast() {
      let (left, right) = align(a, b)
      if let right { pending.append(right) }
      if let left { pending.append(left) }
    }
  }

  /// Appends the steps of `a` against `b`, or returns two halves to align in turn.
  private mutating func align(
    _ a: ArraySlice<Int32>, _ b: ArraySlice<Int32>
  ) -> (
    left: (ArraySlice<Int32>, ArraySlice<Int32>)?, right: (ArraySlice<Int32>, ArraySlice<Int32>)?
  ) {
    if a.isEmpty {
      steps += b.indices.map { .insertion(hypothesis: $0) }
    } else if b.isEmpty {
      steps += a.indices.map { .deletion(reference: $0) }
    } else if a.first == b.first {
      steps.append(.correct(reference: a.startIndex, hypothesis: b.startIndex))
      return ((a.dropFirst(), b.dropFirst()), nil)
    } else if a.last == b.last {
      let tail = (a.suffix(1), b.suffix(1))
      return ((a.dropLast(), b.dropLast()), tail)
    } else if a.count == 1 || (a.count + 1) * (b.count + 1) <= 1 << 22 {
      steps += AlignmentMatrix.steps(a, b)
    } else {
      let middle = a.startIndex + a.count / 2
      let ahead = AlignmentMatrix.lastRow(Array(a[..<middle]), Array(b))
      let behind = AlignmentMatrix.lastRow(a[middle...].reversed(), b.reversed())
      var best = 0
      for cut in 0...b.count
      where ahead[cut] + behind[b.count - cut] < ahead[best] + behind[b.count - best] {
        best = cut
      }
      let cut = b.startIndex + best
      return ((a[..<middle], b[..<cut]), (a[middle...], b[cut...]))
    }
    return (nil, nil)
  }
}
