import Basics
import Foundation

/// Reads a recording block by block, as mono samples at one rate.
///
/// Opens what libsndfile opens: WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF, CAF and more, of 100 Hz to 1 MHz and of
/// up to 256 channels, which are averaged. Only one block is in memory, so length does not matter.
///
///     let reader = try AudioReader("talk.flac", sampleRate: 16_000)
///     while let block = try reader.next(maximumFrames: 65_536) { use(block) }
///
/// One reader belongs to one thread at a time.
public final class AudioReader {
  /// What the file's header says.
  public let description: AudioDescription
  /// The rate of the samples that `next` gives, in Hz.
  public let sampleRate: Int

  private let file: SoundFile
  private let resampler: Resampler?
  private var interleaved: [Float]
  /// Frames still to read, or nil to the end of the file.
  private var remaining: Int?
  /// The frame that comes next, at the file's own rate.
  private var position: Int
  private var isExhausted = false
  private var ready: [Float] = []
  private var readyStart = 0

  /// Opens a recording, or a part of one.
  ///
  /// - Parameters:
  ///   - sampleRate: Hz wanted; nil for the file's own.
  ///   - offsetSeconds: where to begin.
  ///   - durationSeconds: how much to read; nil to the end. What reaches beyond the end is left out
  ///     (`missingSeconds`).
  /// - Throws: `.notFound`, `.inputOutput`, `.invalidAudio` (not audio, empty, truncated, an offset
  ///   beyond the end) or `.unsupported`, naming the file.
  public init(
    _ path: String, sampleRate: Int? = nil, offsetSeconds: Double = 0,
    durationSeconds: Double? = nil
  ) throws {
    file = try SoundFile(path: path)
    description = file.description
    let fileRate = description.sampleRate
    self.sampleRate = sampleRate ?? fileRate
    guard self.sampleRate > 0, self.sampleRate <= 10_000_000 else {
      throw IdiolectError(
        .invalidArgument, "a sample rate of \(self.sampleRate) Hz; it must be positive")
    }
    if self.sampleRate == fileRate {
      resampler = nil
    } else {
      do {
        resampler = try Resampler(from: Double(fileRate), to: Double(self.sampleRate))
      } catch let error as IdiolectError {
        throw IdiolectError(error.code, "\(path): \(error.message)", cause: error)
      }
    }
    // A block is small on both sides of the resampler.
    let growth = max(1, self.sampleRate / fileRate)
    let blockFrames = max(1, 65_536 / description.channels / growth)
    interleaved = [Float](repeating: 0, count: blockFrames * description.channels)
    position = try AudioReader.frames(offsetSeconds, rate: fileRate, "offset", path)
    remaining = try durationSeconds.map {
      try AudioReader.frames($0, rate: fileRate, "duration", path)
    }
    if let frames = description.frames, file.isLengthExact, position >= frames {
      throw beyondEnd(offsetSeconds, frames: frames)
    }
    try skip(to: offsetSeconds)
  }

  /// Goes to `position`: by decoding where the length is not known, for there libsndfile cannot seek.
  private func skip(to offsetSeconds: Double) throws {
    let path = description.path
    if position > 0, description.frames != nil, !file.seek(toFrame: position) {
      throw IdiolectError(
        .invalidAudio, "\(path): cannot go to \(offsetSeconds) s; convert it to WAV or FLAC")
    }
    var left = description.frames == nil ? position : 0
    while left > 0 {
      let wanted = min(left, interleaved.count / description.channels)
      let count = interleaved.withUnsafeMutableBufferPointer {
        file.read(into: $0.baseAddress!, frames: wanted)
      }
      left -= count
      guard count < wanted else { continue }
      try checkEnd(at: position - left)
      throw beyondEnd(offsetSeconds, frames: position - left)
    }
  }

  private func beyondEnd(_ offsetSeconds: Double, frames: Int) -> IdiolectError {
    let seconds = Double(frames) / Double(description.sampleRate)
    return IdiolectError(
      .invalidAudio,
      "\(description.path): it lasts \(seconds) s, so nothing begins at \(offsetSeconds) s; correct the offset"
    )
  }

  /// The next samples, mono, at `sampleRate`: exactly `maximumFrames` of them save at the end, where
  /// there are fewer; nil when nothing is left.
  ///
  /// - Throws: `.invalidAudio` at a sample that is not finite (with its position) and where the file
  ///   ends before its declared length.
  public func next(maximumFrames: Int) throws -> [Float]? {
    precondition(maximumFrames > 0, "blocks must have a frame or more, not \(maximumFrames)")
    while ready.count - readyStart < maximumFrames, !isExhausted {
      if readyStart > 0 {
        ready.removeFirst(readyStart)
        readyStart = 0
      }
      try decodeBlock()
    }
    let end = readyStart + min(maximumFrames, ready.count - readyStart)
    guard end > readyStart else { return nil }
    defer { readyStart = end }
    return Array(ready[readyStart..<end])
  }

  /// How much of the wanted duration the recording does not have; 0 before all of it was read.
  public var missingSeconds: Double {
    isExhausted ? Double(remaining ?? 0) / Double(description.sampleRate) : 0
  }

  /// All the samples that are left, mono, at `sampleRate`.
  public func readAll() throws -> [Float] {
    // The declared length is untrusted: it may only spare some copies.
    if let frames = description.frames {
      let left = min(remaining ?? frames, max(0, frames - position))
      let expected = Double(left) * Double(sampleRate) / Double(description.sampleRate)
      ready.reserveCapacity(ready.count + Int(min(expected, 4e6)) + 1024)
    }
    while !isExhausted { try decodeBlock() }
    defer {
      ready = []
      readyStart = 0
    }
    return readyStart == 0 ? ready : Array(ready[readyStart...])
  }

  /// Decodes, mixes and resamples one block, appending to `ready`.
  private func decodeBlock() throws {
    let channels = description.channels
    let wanted = min(interleaved.count / channels, remaining ?? .max)
    let count =
      wanted == 0
      ? 0
      : interleaved.withUnsafeMutableBufferPointer {
        file.read(into: $0.baseAddress!, frames: wanted)
      }
    if wanted > 0, count < wanted { try checkEnd(at: position + count) }
    guard count > 0 else {
      isExhausted = true
      try resampler?.process(nil, appendingTo: &ready)
      return
    }
    mixDown(frames: count)
    try checkFinite(frames: count)
    position += count
    if let left = remaining { remaining = left - count }
    try interleaved.withUnsafeBufferPointer { buffer in
      let mono = UnsafeBufferPointer(rebasing: buffer[..<count])
      if let resampler {
        try resampler.process(mono, appendingTo: &ready)
      } else {
        ready.append(contentsOf: mono)
      }
    }
  }

  /// Averages the channels, in place: frame i goes to element i.
  private func mixDown(frames: Int) {
    let channels = description.channels
    if channels == 1 { return }
    let scale = 1 / Float(channels)
    interleaved.withUnsafeMutableBufferPointer { buffer in
      for frame in 0..<frames {
        var sum: Float = 0
        for channel in 0..<channels { sum += buffer[frame &* channels &+ channel] }
        buffer[frame] = sum * scale
      }
    }
  }

  private func checkFinite(frames: Int) throws {
    let bad = interleaved.withUnsafeBufferPointer { buffer -> Int? in
      // The exponent is all ones in what is infinite or not a number; one pass that vectorises.
      var worst: UInt32 = 0
      for index in 0..<frames { worst = max(worst, buffer[index].bitPattern & 0x7F80_0000) }
      return worst == 0x7F80_0000 ? buffer[..<frames].firstIndex { !$0.isFinite } : nil
    }
    guard let bad else { return }
    let sample = position + bad
    let seconds = Double(sample) / Double(description.sampleRate)
    throw IdiolectError(
      .invalidAudio,
      "\(description.path): sample \(sample) (at \(seconds) s) is \(interleaved[bad]), not a finite number; export the recording again"
    )
  }

  private func checkEnd(at frame: Int) throws {
    let seconds = Double(frame) / Double(description.sampleRate)
    if let failure = file.failure {
      throw IdiolectError(
        .invalidAudio,
        "\(description.path): truncated or damaged at sample \(frame) (\(seconds) s): \(failure.hasSuffix(".") ? String(failure.dropLast()) : failure); copy or record it again"
      )
    }
    if file.isLengthExact, let declared = description.frames, frame < declared {
      throw IdiolectError(
        .invalidAudio,
        "\(description.path): truncated: it declares \(declared) samples, but ends after \(frame) (\(seconds) s); copy or record it again"
      )
    }
  }

  private static func frames(_ seconds: Double, rate: Int, _ what: String, _ path: String) throws
    -> Int
  {
    guard seconds >= 0 else {
      throw IdiolectError(
        .invalidArgument,
        "\(path): \(what) of \(seconds) s; it must be a number of seconds, 0 or more")
    }
    let frames = (seconds * Double(rate)).rounded()
    guard frames < 0x1p53 else {
      throw IdiolectError(
        .invalidArgument,
        "\(path): \(what) of \(seconds) s, which is beyond any recording; correct the \(what)")
    }
    return Int(frames)
  }
}

/// Reads a recording, or a part of it, into memory as mono samples.
///
///     let samples = try readAudio("hello.flac", sampleRate: 16_000)
///
/// - Parameters:
///   - sampleRate: Hz wanted; nil for the file's own.
///   - offsetSeconds: where to begin.
///   - durationSeconds: how much to read; nil to the end.
/// - Returns: `[samples]`, in the range ±1 for integer encodings.
/// - Throws: as `AudioReader`.
public func readAudio(
  _ path: String, sampleRate: Int?, offsetSeconds: Double = 0, durationSeconds: Double? = nil
) throws -> [Float] {
  try AudioReader(
    path, sampleRate: sampleRate, offsetSeconds: offsetSeconds, durationSeconds: durationSeconds
  ).readAll()
}
