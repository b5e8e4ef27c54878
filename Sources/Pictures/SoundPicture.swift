public import AcousticFeatures
import Basics
public import Foundation

/// Waveform, spectrogram and log-mel of a recording of any length, one below the other.
///
///     try SoundPicture(of: preset.configuration(sampleRate: rate), title: "talk.flac") { consume in … }.png()
///
/// Energies are drawn in decibels below the loudest, averaged where a column of pixels is longer than 10 ms.
public struct SoundPicture {
  private static let (left, right, top) = (106, 90, 66)
  private static let gap = 60
  private static let heights = (waveform: 150, spectrum: 300, bands: 260)

  private let overview: SoundOverview
  private let mel: MelConfiguration
  private let melRate: Int
  private let title: String

  /// - Parameters:
  ///   - configuration: whose bands are drawn; 80 of Slaney's where it has none.
  ///   - read: hands the recording, `[samples]` at the configuration's rate, to its argument in pieces of any size;
  ///     called twice.
  /// - Throws: what reading throws; `.invalidArgument` where the configuration makes no sense; `.invalidAudio`
  ///   where there are no samples or they are not finite.
  public init(
    of configuration: FrontEndConfiguration, title: String,
    _ read: (_ consume: @escaping ([Float]) throws -> Void) throws -> Void
  ) throws {
    let bands = try configuration.bands
    overview = try SoundOverview(mel: bands, read)
    (mel, melRate) = (bands.mel!, bands.keptRate)
    self.title = title
  }

  /// The picture as a PNG file's bytes.
  public func png() throws -> Data {
    let plot = SoundOverview.mostColumns
    let heights = SoundPicture.heights
    var raster = Raster(
      width: SoundPicture.left + plot + SoundPicture.right,
      height: SoundPicture.top + heights.waveform + heights.spectrum + heights.bands
        + 3 * SoundPicture.gap)
    let x = SoundPicture.left..<SoundPicture.left + plot
    raster.write(title, x.lowerBound, 18, .left, .black)
    var y = SoundPicture.top..<SoundPicture.top + heights.waveform
    drawWaveform(&raster, x, y)
    y = y.upperBound + SoundPicture.gap..<y.upperBound + SoundPicture.gap + heights.spectrum
    draw(overview.spectrum, "spectrogram, Hz", &raster, x, y) {
      $0 / (Double(overview.sampleRate) / 2)
    }
    y = y.upperBound + SoundPicture.gap..<y.upperBound + SoundPicture.gap + heights.bands
    draw(overview.bands, "log-mel, \(mel.bands) bands, Hz", &raster, x, y) {
      (mel.place(ofHz: $0, sampleRate: melRate) + 0.5) / Double(mel.bands)
    }
    raster.write("seconds", x.upperBound, y.upperBound + 36, .right)
    return try raster.png()
  }

  private func column(_ x: Int) -> Int { x * overview.columns / SoundOverview.mostColumns }

  private func drawWaveform(_ raster: inout Raster, _ x: Range<Int>, _ y: Range<Int>) {
    // Quiet recordings fill the panel as loud ones do; the axis says how loud.
    let peak = max(
      1e-4, overview.greatest.max() ?? 0, -(overview.least.min() ?? 0))
    func row(_ value: Float) -> Int {
      let middle = Float(y.lowerBound + y.upperBound - 1) / 2
      return Int((middle - value / peak * Float(y.count - 1) / 2).rounded())
    }
    for offset in 0..<x.count {
      let span = overview.waveform(at: offset, of: x.count)
      raster.fill(
        x.lowerBound + offset..<x.lowerBound + offset + 1,
        row(span.upperBound)..<row(span.lowerBound) + 1, .blue)
    }
    raster.frame(x, y, .grey)
    raster.write("waveform", x.lowerBound, y.lowerBound - 14)
    for value in [-peak, 0, peak] {
      tick(String(format: "%.2g", value), at: row(value), &raster, x)
    }
    drawTimes(&raster, x, below: y.upperBound)
  }

  /// - Parameter height: of a frequency in the panel, 0 at its foot and 1 at its top.
  private func draw(
    _ levels: [Float], _ name: String, _ raster: inout Raster, _ x: Range<Int>, _ y: Range<Int>,
    height: (_ hertz: Double) -> Double
  ) {
    let bins = levels.count / overview.columns
    for offset in 0..<x.count {
      let column = column(offset)
      for row in 0..<y.count {
        // The loudest of the bins that share a pixel.
        let low = (y.count - 1 - row) * bins / y.count
        let high = max(low + 1, (y.count - row) * bins / y.count)
        let level = levels[column * bins + low..<column * bins + high].max() ?? 0
        raster[x.lowerBound + offset, y.lowerBound + row] = ColourMap.colour(level)
      }
    }
    raster.frame(x, y, .grey)
    raster.write(name, x.lowerBound, y.lowerBound - 14)
    var last = Int.max
    let half = Double(overview.sampleRate) / 2
    // Even steps where frequencies are even, else doubling ones.
    let even = Axis.ticks(from: 0, to: half, most: 8)
    let isEven = abs(height(half / 2) - 0.5) < 0.01
    let doubling = [100.0, 200, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]
    let ticks = (isEven ? even : doubling).filter { $0 <= half }
    for (hertz, label) in zip(ticks, Axis.labels(ticks)) {
      let place = height(hertz)
      // The last band's centre lies a little below its edge.
      guard place < 1.05 else { continue }
      let row = y.upperBound - 1 - Int((min(1, place) * Double(y.count - 1)).rounded())
      guard last - row >= Glyphs.height + 4 else { continue }
      last = row
      tick(label, at: row, &raster, x)
    }
    drawTimes(&raster, x, below: y.upperBound)
    drawScale(&raster, x.upperBound + 14, y)
  }

  private func tick(_ label: String, at row: Int, _ raster: inout Raster, _ x: Range<Int>) {
    raster.fill(x.lowerBound - 6..<x.lowerBound, row..<row + 1, .grey)
    raster.write(label, x.lowerBound - 10, row, .right)
  }

  private func drawTimes(_ raster: inout Raster, _ x: Range<Int>, below y: Int) {
    let ticks = Axis.ticks(from: 0, to: overview.seconds, most: 10)
    for (seconds, label) in zip(ticks, Axis.labels(ticks)) {
      let place =
        x.lowerBound + min(x.count - 1, Int(seconds / overview.seconds * Double(x.count)))
      raster.fill(place..<place + 1, y..<y + 6, .grey)
      raster.write(label, place, y + 16, .centre)
    }
  }

  private func drawScale(_ raster: inout Raster, _ x: Int, _ y: Range<Int>) {
    for row in y {
      let level = Float(y.upperBound - 1 - row) / Float(y.count - 1)
      raster.fill(x..<x + 12, row..<row + 1, ColourMap.colour(level))
    }
    for (row, label) in [
      (y.lowerBound, "0 dB"), ((y.lowerBound + y.upperBound) / 2, "-40"), (y.upperBound - 1, "-80"),
    ] {
      raster.write(label, x + 18, row)
    }
  }
}
