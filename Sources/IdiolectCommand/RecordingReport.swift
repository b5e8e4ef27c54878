import Basics
import Foundation
import Idiolect

/// What there is to say of a recording.
enum RecordingReport {
  /// Decodes all of it, block by block.
  static func lines(_ path: String) throws -> [String] {
    let reader = try AudioReader(path)
    let audio = reader.description
    var (samples, clipped) = (0, 0)
    var peak: Float = 0
    var energy = 0.0
    while let block = try reader.next(maximumFrames: 1 << 16) {
      samples += block.count
      for value in block {
        peak = max(peak, abs(value))
        energy += Double(value) * Double(value)
        if abs(value) >= 0.9999 { clipped += 1 }
      }
    }
    let level = 10 * log10(max(energy / Double(max(samples, 1)), 1e-20))
    var lines = [
      "\(Failure.oneLine(path)): \(audio.container), \(audio.encoding)",
      "\(Figures.count(audio.sampleRate)) Hz, \(audio.channels) channel"
        + (audio.channels == 1 ? "" : "s, averaged when read"),
      "\(Figures.duration(Double(samples) / Double(audio.sampleRate))),"
        + " \(Figures.count(samples)) samples",
    ]
    guard peak > 0 else { return lines + ["digital silence: there is no sound in it"] }
    lines.append(
      String(format: "peak %.1f dB of full scale, mean level %.1f dB", 20 * log10(peak), level))
    if clipped > 0 {
      lines.append(
        "\(Figures.count(clipped)) samples at full scale"
          + " (\(percent(Double(clipped) / Double(samples), digits: 2)))")
    }
    if audio.sampleRate < 16_000 {
      lines.append(
        "it is resampled to 16,000 Hz for most networks; sound above "
          + "\(Figures.count(audio.sampleRate / 2)) Hz is not in it")
    }
    return lines
  }
}
