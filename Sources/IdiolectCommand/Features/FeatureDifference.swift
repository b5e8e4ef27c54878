import Basics
import Foundation
import Idiolect

/// How far features are from an array of another program.
struct FeatureDifference {
  let line: String
  private let name: String
  /// The largest difference as a share of the largest value, of those that are finite numbers.
  private let relative: Double
  /// Elements of which there is no difference, for one of the two is no finite number.
  private let unknown: Int

  /// - Parameter other: `[frames, bins]` or `[bins, frames]`, with sizes of 1 anywhere or left out.
  /// - Throws: `.invalidData` for an array of another shape.
  init(_ features: Features, _ other: NumpyFile, name: String) throws {
    let own = [features.frames, features.bins]
    let (shape, sizes) = (other.shape.filter { $0 != 1 }, own.filter { $0 != 1 })
    let isTurned = shape != sizes && shape == sizes.reversed()
    guard shape == sizes || isTurned else {
      throw IdiolectError(
        .invalidData,
        "\(name): its shape is \(other.shape), and the features' [frames, bins] \(own); is it of this recording and preset?"
      )
    }
    var worst = (difference: -1.0, place: "", ours: Float(0), theirs: Float(0))
    var largest = 0.0
    var (unknown, firstUnknown) = (0, "")
    for frame in 0..<features.frames {
      for bin in 0..<features.bins {
        let ours = features.values[frame * features.bins + bin]
        let theirs = other.values[
          isTurned ? bin * features.frames + frame : frame * features.bins + bin]
        guard ours.isFinite, theirs.isFinite else {
          unknown += 1
          if unknown == 1 { firstUnknown = "frame \(frame), bin \(bin)" }
          continue
        }
        largest = max(largest, abs(Double(theirs)))
        let difference = abs(Double(ours) - Double(theirs))
        if difference > worst.difference {
          worst = (difference, "frame \(frame), bin \(bin)", ours, theirs)
        }
      }
    }
    let relative = largest > 0 ? worst.difference / largest : worst.difference
    (self.name, self.relative, self.unknown) = (name, relative, unknown)
    let share =
      largest > 0
      ? "\(String(format: "%.2e", relative)) of the largest value" : "where all values there are 0"
    var parts: [String] = []
    if worst.difference >= 0 {
      parts.append(
        "largest difference \(String(format: "%.2e", worst.difference)), \(share), at \(worst.place): \(worst.ours) here, \(worst.theirs) there"
      )
    }
    if unknown > 0 {
      parts.append(
        "\(Figures.count(unknown)) of \(Figures.count(features.values.count)) values not finite, first at \(firstUnknown)"
      )
    }
    line = "\(name)\(isTurned ? " (turned)" : ""): \(parts.joined(separator: "; "))"
  }

  /// The error for arrays that are not within `tolerance`, a share of the largest value; nil for those that are.
  func fault(beyond tolerance: Double) -> IdiolectError? {
    let cause: String
    if unknown > 0 {
      cause = "\(Figures.count(unknown, "value")) not finite"
    } else if relative > tolerance {
      cause = "differs by \(String(format: "%.2e", relative)) of the largest value"
    } else {
      return nil
    }
    return IdiolectError(
      .different,
      "\(name): \(cause), and --tolerance is \(tolerance); is it of this recording and preset?")
  }
}

extension IdiolectError.Code {
  /// Two things that were compared are not alike, as `diff` has it.
  fileprivate static let different = IdiolectError.Code("different", exitCode: 1)
}
