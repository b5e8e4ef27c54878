/// The dynamic programme beneath `Alignment`.
enum AlignmentMatrix {
  private enum Move {
    static let diagonal: UInt8 = 0
    static let deletion: UInt8 = 1
    static let insertion: UInt8 = 2
  }

  /// Distance of all of `a` from each beginning of `b`: `[b.count + 1]`.
  static func lastRow(_ a: [Int32], _ b: [Int32]) -> [Int32] {
    var row = (0...b.count).map { Int32($0) }
    row.withUnsafeMutableBufferPointer { row in
      b.withUnsafeBufferPointer { b in
        for item in a {
          var diagonal = row[0]
          row[0] &+= 1
          for j in b.indices {
            let cost = min(
              diagonal &+ (item == b[j] ? 0 : 1), min(row[j], row[j &+ 1]) &+ 1)
            diagonal = row[j &+ 1]
            row[j &+ 1] = cost
          }
        }
      }
    }
    return row
  }

  /// The steps of a cheapest path; indices are those of the slices. Memory: product of the lengths.
  ///
  /// Ties: a pair before a deletion before an insertion, seen from the end.
  static func steps(_ a: ArraySlice<Int32>, _ b: ArraySlice<Int32>) -> [Alignment.Step] {
    let width = b.count + 1
    var moves = [UInt8](repeating: Move.deletion, count: (a.count + 1) * width)
    for j in 1..<width { moves[j] = Move.insertion }
    var row = (0..<width).map { Int32($0) }
    let items = Array(b)
    moves.withUnsafeMutableBufferPointer { moves in
      row.withUnsafeMutableBufferPointer { row in
        items.withUnsafeBufferPointer { items in
          var offset = width
          for item in a {
            var diagonal = row[0]
            row[0] &+= 1
            for j in 1..<width {
              var cost = diagonal &+ (item == items[j &- 1] ? 0 : 1)
              var move = Move.diagonal
              if row[j] &+ 1 < cost {
                cost = row[j] &+ 1
                move = Move.deletion
              }
              if row[j &- 1] &+ 1 < cost {
                cost = row[j &- 1] &+ 1
                move = Move.insertion
              }
              diagonal = row[j]
              row[j] = cost
              moves[offset &+ j] = move
            }
            offset &+= width
          }
        }
      }
    }
    var steps: [Alignment.Step] = []
    var (i, j) = (a.count, b.count)
    while i > 0 || j > 0 {
      switch moves[i * width + j] {
      case Move.deletion:
        i -= 1
        steps.append(.deletion(reference: a.startIndex + i))
      case Move.insertion:
        j -= 1
        steps.append(.insertion(hypothesis: b.startIndex + j))
      default:
        i -= 1
        j -= 1
        let (reference, hypothesis) = (a.startIndex + i, b.startIndex + j)
        steps.append(
          a[reference] == b[hypothesis]
            ? .correct(reference: reference, hypothesis: hypothesis)
            : .substitution(reference: reference, hypothesis: hypothesis))
      }
    }
    return steps.reversed()
  }
}
