import Basics
import Foundation
import Idiolect

/// A stretch of sound to make features of, and its name in the output.
struct FeatureInput: Sendable {
  let name: String
  let path: String
  var offsetSeconds = 0.0
  var durationSeconds: Double?

  /// What recordings, folders and manifests name, in order; names are used once.
  ///
  /// - Parameter quarantine: gets the lines of manifests that cannot be used.
  /// - Throws: `.notFound` for a path that is not there; `.invalidData` for a folder without recordings; what
  ///   reading a manifest throws.
  static func expand(_ paths: [String], quarantine: inout Quarantine) throws -> [FeatureInput] {
    var inputs: [FeatureInput] = []
    for path in paths {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw IdiolectError(.notFound, "\(path): no such recording, folder or manifest")
      }
      if isFolder.boolValue {
        inputs += try recordings(in: path)
      } else if path.hasSuffix(".jsonl") {
        let manifest = try Manifest(path: path, requiresText: false)
        quarantine.add(manifest.quarantine)
        inputs += manifest.utterances.map {
          FeatureInput(
            name: $0.id, path: $0.audioPath, offsetSeconds: $0.offsetSeconds,
            durationSeconds: $0.durationSeconds)
        }
      } else {
        inputs.append(FeatureInput(name: path, path: path))
      }
    }
    var seen: Set<String> = []
    return try inputs.map { input in
      guard seen.insert(input.name).inserted else {
        throw IdiolectError(
          .invalidArgument,
          "\(input.name): given twice, and its features would take each other's place; name each recording once"
        )
      }
      return input
    }
  }

  /// The files of a folder and those below it that libsndfile's formats end with the names of.
  private static func recordings(in folder: String) throws -> [FeatureInput] {
    let endings: Set<String> = [
      "wav", "flac", "ogg", "opus", "oga", "mp3", "aiff", "aif", "aifc", "au", "caf", "w64", "rf64",
      "snd",
    ]
    let names = (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? [])
      .filter { name in
        name.split(separator: ".").last.map { endings.contains($0.lowercased()) } ?? false
      }.sorted()
    guard !names.isEmpty else {
      throw IdiolectError(
        .invalidData, "\(folder): holds no recordings (\(endings.sorted().joined(separator: ", ")))"
      )
    }
    return names.map { FeatureInput(name: $0, path: FilePath.join(folder, $0)) }
  }
}
