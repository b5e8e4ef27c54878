public import Basics
import Foundation

/// The recording as it sounds in a room: the direct sound, and reflections that die away.
///
/// The reflections are velvet noise (Karjalainen and Järvinen 2007): impulses of either sign at random
/// places, 1,500 a second, under an exponential. As many samples as before.
///
/// - Parameters:
///   - samples: `[samples]`, mono.
///   - decaySeconds: until the reflections have fallen by 60 dB (RT60).
///   - directDecibels: power of the direct sound over that of all reflections.
///   - sampleRate: Hz.
public func addRoom(
  _ samples: [Float], decaySeconds: Float, directDecibels: Float, sampleRate: Int,
  random: inout SeededRandom
) -> [Float] {
  let cell = max(1, sampleRate / 1500)
  let count = max(1, Int(decaySeconds * Float(sampleRate)) / cell)
  // The first reflection comes a cell or two after the direct sound.
  let taps = (1...count).map { index -> (delay: Int, gain: Float) in
    let delay = index * cell + random.integer(below: cell)
    let sign: Float = random.next() & 1 == 0 ? 1 : -1
    return (delay, sign * pow(10, -3 * Float(delay) / (decaySeconds * Float(sampleRate))))
  }
  let power = taps.reduce(0) { $0 + $1.gain * $1.gain }
  let scale = (pow(10, -directDecibels / 10) / power).squareRoot()
  var result = samples
  // Blocks that stay in the fastest memory while all taps pass over them.
  let block = 4096
  samples.withUnsafeBufferPointer { source in
    result.withUnsafeMutableBufferPointer { target in
      for start in stride(from: 0, to: source.count, by: block) {
        let end = min(start + block, source.count)
        for tap in taps where tap.delay < end {
          let first = max(start, tap.delay)
          let from = source.baseAddress! + (first - tap.delay)
          let into = target.baseAddress! + first
          let gain = tap.gain * scale
          for index in 0..<(end - first) { into[index] += gain * from[index] }
        }
      }
    }
  }
  return result
}
