import Basics
import Foundation
import Idiolect

/// How far features are from an array of another program.
struct FeatureDifference {
  let line: String

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
    var worst = (difference: -1.0, frame: 0, bin: 0, ours: Float(0), theirs: Float(0))
    var largest = 0.0
    for frame in 0..<features.frames {
      for bin in 0..<features.bins {
        let ours = features.values[frame * features.bins + bin]
        let theirs = other.values[
          isTurned ? bin * features.frames + frame : frame * features.bins + bin]
        largest = max(largest, abs(Double(theirs)))
        let difference = abs(Double(ours) - Double(theirs))
        // What is no number is as far as can be.
        if difference > worst.difference || difference.isNaN {
          worst = (difference.isNaN ? .infinity : difference, frame, bin, ours, theirs)
        }
      }
    }
    let relative = largest > 0 ? worst.difference / largest : worst.difference
    line =
      "\(name)\(isTurned ? " (turned)" : ""): largest difference \(String(format: "%.2e", worst.difference)), \(String(format: "%.2e", relative)) of the largest value, at frame \(worst.frame), bin \(worst.bin): \(worst.ours) here, \(worst.theirs) there"
  }
}
