package import Basics
import Foundation

/// Golden data: arrays that `Scripts/golden` wrote from an independent implementation.
package enum Golden {
  /// `Tests/Golden`, found from this source file.
  package static let directory =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Golden").path

  /// The top of the checkout.
  package static let repository =
    URL(fileURLWithPath: directory).deletingLastPathComponent().deletingLastPathComponent().path

  package static func array(_ name: String) throws -> NumpyFile {
    try NumpyFile(path: "\(directory)/\(name).npy")
  }

  /// max|a − b| / max|b| over whole tensors; infinite when any element is not finite or counts differ.
  package static func relativeError(_ actual: [Float], _ expected: [Float]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    var difference = 0.0
    var largest = 0.0
    for (a, b) in zip(actual, expected) {
      guard a.isFinite, b.isFinite else { return .infinity }
      difference = max(difference, abs(Double(a) - Double(b)))
      largest = max(largest, abs(Double(b)))
    }
    return largest == 0 ? difference : difference / largest
  }

  /// Where this process has its temporary directories; it goes when the process exits.
  private static let temporaryFiles: String = {
    atexit { try? FileManager.default.removeItem(atPath: Golden.temporaryFiles) }
    return NSTemporaryDirectory() + "idiolect-test-\(UUID().uuidString)"
  }()

  /// A new directory for one test's files.
  package static func temporaryDirectory() throws -> String {
    let path = "\(temporaryFiles)/\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }
}
