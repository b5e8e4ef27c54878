import Basics
import Foundation
import ModelHub

/// Where a model lies that people name: a path, a name under `Models/` here or beside the checkout, or OWNER/NAME in
/// the cache of the Hugging Face hub.
enum ModelLookup {
  /// - Throws: `.notFound` that says where was looked.
  static func path(of name: String) throws -> String {
    if FilePath.isFolder(name) != nil { return name }
    if !name.contains("/"), let bundled = bundled(name) { return bundled }
    guard let repository = HubRepository(name) else {
      throw IdiolectError(
        .notFound,
        "\(name): no such model: no path, no name under Models, and no OWNER/NAME of the hub")
    }
    guard let snapshot = HubCache().snapshot(repository) else {
      throw IdiolectError(
        .notFound,
        "\(name): no such path, and not in the cache \(HubCache().root); 'idiolect pull \(name)' fetches it"
      )
    }
    if FilePath.isFolder("\(snapshot)/config.json") == nil,
      let archive = (try? FileManager.default.contentsOfDirectory(atPath: snapshot))?.sorted()
        .first(where: { $0.hasSuffix(".nemo") })
    {
      return "\(snapshot)/\(archive)"
    }
    return snapshot
  }

  /// The model that is used where none is named.
  ///
  /// - Throws: `.notFound` where it is neither here nor beside the checkout.
  static func standard() throws -> String {
    guard let path = bundled("english-small") else {
      throw IdiolectError(
        .notFound,
        "Models/english-small: no such model here or beside the checkout; name one with --model or $IDIOLECT_MODEL"
      )
    }
    return path
  }

  private static func bundled(_ name: String) -> String? {
    let place = "Models/\(name)"
    if FileManager.default.fileExists(atPath: "\(place)/config.json") { return place }
    // The program lies at .build/<machine>/release/idiolect below the checkout.
    var directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    while directory.pathComponents.count > 1 {
      directory.deleteLastPathComponent()
      let candidate = directory.appendingPathComponent(place).path
      if FileManager.default.fileExists(atPath: "\(candidate)/config.json") { return candidate }
    }
    return nil
  }
}
