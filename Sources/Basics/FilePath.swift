import Foundation

/// Paths as the system reads them, byte by byte.
///
/// Foundation's own functions are for paths it made: some trap at names of one character, others take a
/// leading `~` for the home directory.
package enum FilePath {
  /// What lies before the last slash: "" where there is none, "/" for a name in the root.
  package static func directory(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// `name` as it is meant in `directory`; an absolute name stays.
  package static func join(_ directory: String, _ name: String) -> String {
    if directory.isEmpty || name.utf8.first == UInt8(ascii: "/") { return name }
    return directory.utf8.last == UInt8(ascii: "/") ? directory + name : "\(directory)/\(name)"
  }

  /// Whether a directory is there, or another file; nil where nothing is.
  package static func isFolder(_ path: String) -> Bool? {
    var isFolder: ObjCBool = false
    let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    return isThere ? isFolder.boolValue : nil
  }

  /// A directory's name without a slash at the end.
  package static func withoutSlash(_ path: String) -> String {
    var path = path[...]
    while path.count > 1 && path.hasSuffix("/") { path = path.dropLast() }
    return String(path)
  }

  /// From the root, without `.`, `..` and doubled slashes; symbolic links are not followed.
  package static func absolute(_ path: String) -> String {
    let whole = join(FileManager.default.currentDirectoryPath, path)
    var parts: [String] = []
    for part in whole.utf8.split(separator: UInt8(ascii: "/")).map({ String($0)! }) {
      if part == ".." { _ = parts.popLast() } else if part != "." { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }
}
