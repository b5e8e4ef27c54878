/// Cuts a recording of any length into windows that a network can take, where it is quietest.
///
/// A window is at most `windowSeconds` long (the last one a second more, so that no sliver is left over)
/// and ends at the quietest fifth of a second in its last quarter. Only one window is in memory.
package struct WindowReader {
  private let sampleRate: Int
  private let nextBlock: (_ maximumFrames: Int) throws -> [Float]?
  private let longest: Int
  private let spare: Int
  private var buffer: [Float] = []
  /// The sample at which `buffer` begins.
  private var position = 0
  package private(set) var isExhausted = false

  /// - Parameter nextBlock: gives the next samples, at most so many; nil at the end.
  package init(
    sampleRate: Int, windowSeconds: Double,
    nextBlock: @escaping (_ maximumFrames: Int) throws -> [Float]?
  ) {
    self.sampleRate = sampleRate
    self.nextBlock = nextBlock
    spare = sampleRate
    longest = max(spare, Int(windowSeconds * Double(sampleRate)))
  }

  /// Seconds given out so far.
  package var secondsRead: Double { Double(position) / Double(sampleRate) }

  /// The next window: `[samples]` at `sampleRate` and the second at which they begin.
  ///
  /// - Throws: what `nextBlock` throws.
  package mutating func next() throws -> (startSeconds: Double, samples: [Float])? {
    guard !isExhausted else { return nil }
    // One sample more than the last window may have tells whether this is it.
    while buffer.count <= longest + spare {
      guard let block = try nextBlock(longest + spare + 1 - buffer.count) else {
        break
      }
      buffer += block
    }
    let start = secondsRead
    isExhausted = buffer.count <= longest + spare
    let end = isExhausted ? buffer.count : quietest(from: longest - longest / 4, to: longest)
    guard end > 0 else { return nil }
    let window = Array(buffer[..<end])
    buffer.removeFirst(end)
    position += end
    return (start, window)
  }

  /// The middle of the fifth of a second with the least energy.
  private func quietest(from: Int, to: Int) -> Int {
    let step = max(1, sampleRate / 100)
    let width = 20
    let energies = stride(from: from, to: to - step + 1, by: step).map { start in
      buffer[start..<start + step].reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    guard energies.count > width else { return to }
    var sum = energies[..<width].reduce(0, +)
    var (best, least) = (0, sum)
    for first in 1...(energies.count - width) {
      sum += energies[first + width - 1] - energies[first - 1]
      if sum < least { (best, least) = (first, sum) }
    }
    return from + (best + width / 2) * step
  }
}
