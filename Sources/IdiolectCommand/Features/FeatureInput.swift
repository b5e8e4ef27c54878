import Basics
import Foundation
import Idiolect

/// A stretch of sound to make features of, and its name in the output.
struct FeatureInput: Sendable {
  let name: String
  let path: String
  var offsetSeconds = 0.0
  var durationSeconds: Double?

  /// Whether a path is of a recording, and not of a folder or a manifest.
  static func isRecording(_ path: String) -> Bool {
    !path.hasSuffix(".jsonl") && FilePath.isFolder(path) != true
  }

  /// What recordings, folders and manifests name, in order.
  ///
  /// - Parameter quarantine: gets the lines of manifests, and folders in folders, that cannot be used.
  /// - Throws: `.notFound` for a path that is not there; `.invalidData` for a folder without recordings; what
  ///   reading a manifest throws.
  static func expand(_ paths: [String], quarantine: inout Quarantine) throws -> [FeatureInput] {
    var inputs: [FeatureInput] = []
    for path in paths {
      guard FileManager.default.fileExists(atPath: path) else {
        throw IdiolectError(.notFound, "\(path): no such recording, folder or manifest")
      }
      if isRecording(path) {
        inputs.append(FeatureInput(name: path, path: path))
      } else if path.hasSuffix(".jsonl") {
        let manifest = try Manifest(path: path, requiresText: false)
        quarantine.add(manifest.quarantine)
        inputs += manifest.utterances.map {
          FeatureInput(
            name: $0.id, path: $0.audioPath, offsetSeconds: $0.offsetSeconds,
            durationSeconds: $0.durationSeconds)
        }
      } else {
        // Of several folders, each with a 001.wav, names say which.
        inputs += try recordings(
          in: path, namedFrom: paths.count == 1 ? "" : path, quarantine: &quarantine)
      }
    }
    return inputs
  }

  /// Of everything that decides what features these have: what an interrupted job may be gone on with.
  static func fingerprint(_ inputs: [FeatureInput]) -> String {
    var hash = FNVHash()
    for input in inputs {
      var status = stat()
      _ = stat(input.path, &status)
      let parts = [
        input.name, input.path, "\(input.offsetSeconds)", "\(input.durationSeconds ?? -1)",
        "\(status.st_size)", "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)",
      ]
      hash.combine(bytes: parts.joined(separator: "\0").utf8)
    }
    return hash.hexadecimal
  }

  /// The names in a folder, and those that are not UTF-8, as far as they can be shown; nil where it cannot be read.
  private static func entries(
    of folder: String
  ) -> (names: [String], others: [(name: String, isFolder: Bool)])? {
    guard let stream = opendir(folder) else { return nil }
    defer { closedir(stream) }
    var (names, others): ([String], [(name: String, isFolder: Bool)]) = ([], [])
    while let entry = readdir(stream) {
      let isFolder = Int(entry.pointee.d_type) == Int(DT_DIR)
      withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
          if let name = String(validatingCString: $0) {
            if name != "." && name != ".." { names.append(name) }
          } else {
            others.append((String(cString: $0), isFolder))
          }
        }
      }
    }
    return (names, others)
  }

  /// The files of a folder and those below it that libsndfile's formats end with the names of; links to folders
  /// are not followed.
  private static func recordings(
    in folder: String, namedFrom prefix: String, quarantine: inout Quarantine
  ) throws -> [FeatureInput] {
    let endings: Set<String> = [
      "wav", "flac", "ogg", "opus", "oga", "mp3", "aiff", "aif", "aifc", "au", "caf", "w64", "rf64",
      "snd",
    ]
    func isSound(_ name: String) -> Bool {
      name.contains(".") && endings.contains(name.split(separator: ".").last?.lowercased() ?? "")
    }
    var names: [String] = []
    var folders = [""]
    while let next = folders.popLast() {
      let path = next.isEmpty ? folder : FilePath.join(folder, next)
      guard let (entries, unreadable) = entries(of: path) else {
        quarantine.add(
          source: path, cause: "this folder cannot be read",
          remedy: "give yourself the right to, or leave it out")
        continue
      }
      for entry in unreadable where entry.isFolder || isSound(entry.name) {
        let what = entry.isFolder ? "folder" : "recording"
        quarantine.add(
          source: path, cause: "the name of its \(what) '\(entry.name)' is not UTF-8",
          remedy: "rename it")
      }
      for entry in entries {
        let name = next.isEmpty ? entry : FilePath.join(next, entry)
        var status = stat()
        guard lstat(FilePath.join(folder, name), &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
          folders.append(name)
        } else if isSound(entry) {
          names.append(name)
        }
      }
    }
    guard !names.isEmpty else {
      throw IdiolectError(
        .invalidData,
        "\(folder): holds no recordings (\(endings.sorted().joined(separator: ", ")))"
          + (quarantine.isEmpty ? "" : " that can be read; the first: \(quarantine.entries[0])")
      )
    }
    return names.sorted().map {
      FeatureInput(
        name: prefix.isEmpty ? $0 : FilePath.join(prefix, $0), path: FilePath.join(folder, $0))
    }
  }
}
