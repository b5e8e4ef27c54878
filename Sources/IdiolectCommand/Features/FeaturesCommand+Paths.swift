import ArgumentParser
import Basics
import Foundation
import Idiolect

extension FeaturesCommand {
  /// What is read must not be written over, nor two things be written to one place.
  func refuseCollisions() throws {
    var taken: [String: String] = [:]
    for path in inputs + convention.files + [compare].compactMap({ $0 }) {
      if let place = FeaturesCommand.place(path) { taken[place] = "is what is read" }
    }
    for path in written {
      guard let place = FeaturesCommand.place(path) else { continue }
      if let what = taken.updateValue("is what another option writes", forKey: place) {
        throw ValidationError("\(path) \(what); choose another place for what is written")
      }
    }
  }

  /// Every file that the options say to write.
  private var written: [String] {
    var paths = [output, invert, picture, statistics].compactMap { $0 }
    if let output, case .archive = FeatureOutput(output) {
      paths.append(FeatureSink.index(of: output))
    }
    let isOne = inputs.count == 1 && FeatureInput.isRecording(inputs[0])
    if !isOne, !describe, let target = output ?? statistics, target != "-" {
      paths.append(FeatureSink.notes(of: target))
      paths += output.map(FeatureSink.unfinished) ?? []
    }
    return paths
  }

  /// Where a path leads, the same for all that lead there; nil for a folder or a device.
  private static func place(_ path: String) -> String? {
    var status = stat()
    if stat(path, &status) == 0 {
      return status.st_mode & S_IFMT == S_IFREG ? "\(status.st_dev) \(status.st_ino)" : nil
    }
    // Not there yet: a name in a folder that is.
    let target = AtomicFile.target(of: path)
    let folder = FilePath.directory(of: target)
    guard stat(folder.isEmpty ? "." : folder, &status) == 0 else {
      return FilePath.absolute(target)
    }
    return "\(status.st_dev) \(status.st_ino) \(target.split(separator: "/").last ?? "")"
  }
}
