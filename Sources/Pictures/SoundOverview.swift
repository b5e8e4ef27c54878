package import AcousticFeatures
import Basics
import Foundation

/// A recording reduced to columns: what there is to see of it, whatever its length.
package struct SoundOverview {
  package static let mostColumns = 1200
  /// Decibels below the loudest that are told apart.
  static let range: Float = 80

  package let columns: Int
  package let seconds: Double
  let sampleRate: Int
  /// Of each column's samples.
  package private(set) var least, greatest: [Float]
  /// `[columns, fftBins]` and `[columns, bands]`: 0 at `range` below the loudest, 1 at the loudest.
  package private(set) var spectrum, bands: [Float]

  /// - Parameters:
  ///   - mel: the bands, with their transform's length.
  ///   - read: hands the recording, at `mel.sampleRate`, to its argument in pieces; called twice.
  /// - Throws: what reading throws; `.invalidAudio` where there is nothing.
  package init(
    mel: SpectralConfiguration,
    _ read: (_ consume: @escaping ([Float]) throws -> Void) throws -> Void
  ) throws {
    var samples = 0
    try read { samples += $0.count }
    guard samples > 0 else { throw IdiolectError(.invalidAudio, "no samples, so nothing to draw") }
    let (count, rate) = (samples, mel.sampleRate)
    let columns = min(SoundOverview.mostColumns, count)
    self.columns = columns
    sampleRate = rate
    seconds = Double(count) / Double(rate)

    func column(_ sample: Int) -> Int { min(columns - 1, sample * columns / count) }
    // Frames that leave out no samples, be the window that of a lower rate.
    let hop = min(
      max(1, count / columns), max(1, rate / 100), mel.frames.windowLength * mel.keepsEvery)
    var plain = SpectralConfiguration()
    plain.sampleRate = rate
    plain.frames.windowLength = rate / 40
    plain.frames.fftLength = rate / 40
    while plain.frames.fftLength & (plain.frames.fftLength - 1) != 0 { plain.frames.fftLength += 1 }
    plain.mel = nil
    plain.frames.hopLength = hop
    var banded = mel
    // Counted in the samples that it keeps.
    banded.frames.hopLength = max(1, hop / mel.keepsEvery)
    var planes = try [plain, banded].map { try Plane($0, columns: columns) }

    var (least, greatest) = (
      [Float](repeating: .infinity, count: columns), [Float](repeating: -.infinity, count: columns)
    )
    var place = 0
    try read { block in
      for sample in block {
        let column = column(place)
        least[column] = min(least[column], sample)
        greatest[column] = max(greatest[column], sample)
        place += 1
      }
      for index in planes.indices { try planes[index].push(block, column) }
    }
    for index in planes.indices { try planes[index].finish(column) }
    guard place == count else {
      throw IdiolectError(
        .invalidAudio, "had \(count) samples and then \(place); is it still being written?")
    }
    (self.least, self.greatest) = (least, greatest)
    (spectrum, bands) = (planes[0].levels(), planes[1].levels())
  }
}

/// Energies of frames, averaged within columns.
private struct Plane {
  let stream: FeatureStream
  /// From one frame to the next.
  let samples: Int
  var frame = 0
  var sums: [Double]
  var counts: [Int]

  init(_ configuration: SpectralConfiguration, columns: Int) throws {
    stream = try FeatureStream(.spectral(configuration))
    samples = configuration.frames.hopLength * configuration.keepsEvery
    sums = [Double](repeating: 0, count: columns * stream.bins)
    counts = [Int](repeating: 0, count: columns)
  }

  mutating func push(_ block: [Float], _ column: (_ sample: Int) -> Int) throws {
    add(try stream(block), column)
  }

  mutating func finish(_ column: (_ sample: Int) -> Int) throws {
    add(try stream.finish(), column)
  }

  private mutating func add(_ rows: [Float], _ column: (_ sample: Int) -> Int) {
    for start in stride(from: 0, to: rows.count, by: stream.bins) {
      let column = column(frame * samples)
      for bin in 0..<stream.bins { sums[column * stream.bins + bin] += Double(rows[start + bin]) }
      counts[column] += 1
      frame += 1
    }
  }

  /// Decibels below the loudest, as shares of the range.
  func levels() -> [Float] {
    let decibels = sums.indices.map { index -> Double in
      10 * log10(max(sums[index] / Double(max(1, counts[index / stream.bins])), 1e-12))
    }
    // What is not even as loud as the last of 16 bits is drawn as silence.
    let loudest = max(decibels.max() ?? 0, -40)
    return decibels.map { max(0, 1 + Float($0 - loudest) / SoundOverview.range) }
  }
}
