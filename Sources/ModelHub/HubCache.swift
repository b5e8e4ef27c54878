package import Basics
import Foundation

/// Models that were fetched, where `huggingface_hub` keeps them too: contents by hash, and for each revision a folder
/// of links to them.
///
///     HF_HOME/hub/models--OWNER--NAME/{blobs/HASH, snapshots/COMMIT/FILE, refs/main}
package struct HubCache: Sendable {
  package let root: String

  /// `HF_HUB_CACHE`, or `hub` in `HF_HOME`, or in the user's cache.
  package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func named(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : $0 } }
    let home =
      named("HF_HOME")
      ?? FilePath.join(
        named("XDG_CACHE_HOME") ?? FilePath.join(named("HOME") ?? "", ".cache"), "huggingface")
    root = named("HF_HUB_CACHE") ?? FilePath.join(home, "hub")
  }

  /// Where a model's revision lies; nil where it was not fetched.
  package func snapshot(_ repository: HubRepository, revision: String = "main") -> String? {
    let folder = folder(repository)
    let commit =
      FileManager.default.contents(atPath: "\(folder)/refs/\(revision)").map {
        String(decoding: $0.prefix(128), as: UTF8.self).trimmingCharacters(
          in: .whitespacesAndNewlines)
      } ?? revision
    guard HubRepository.isRevision(commit) else { return nil }
    let snapshot = "\(folder)/snapshots/\(commit)"
    return FilePath.isFolder(snapshot) == true ? snapshot : nil
  }

  func folder(_ repository: HubRepository) -> String {
    FilePath.join(root, "models--\(repository.owner)--\(repository.name)")
  }
}

/// A model on the hub: OWNER/NAME.
package struct HubRepository: Sendable, Hashable, CustomStringConvertible {
  package let owner, name: String

  package var description: String { "\(owner)/\(name)" }

  /// nil for what is no such name.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, parts.allSatisfy(HubRepository.isName) else { return nil }
    (owner, name) = (parts[0], parts[1])
  }

  private static func isName(_ text: String) -> Bool {
    (1...96).contains(text.utf8.count) && !text.hasPrefix(".") && !text.hasPrefix("-")
      && !text.contains("--") && !text.contains("..")
      && text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
  }

  /// A branch, tag or commit that is safe as a file's name.
  package static func isRevision(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && !text.hasPrefix(".") && !text.contains("..")
      && text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
