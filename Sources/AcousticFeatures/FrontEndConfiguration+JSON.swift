import Basics
public import Foundation

/// Every setting of a front end as a file that people read and change.
extension FrontEndConfiguration {
  /// - Throws: `.invalidData` that names the file and the key: one that is missing, unknown or of the wrong type;
  ///   `.invalidArgument` where the settings make no sense.
  public init(json data: Data, name: String) throws {
    func refuse(_ why: String) -> IdiolectError {
      IdiolectError(
        .invalidData, "\(name): \(why); 'idiolect features --describe' writes a whole one")
    }
    do { self = try JSONDecoder().decode(FrontEndConfiguration.self, from: data) } catch {
      guard let error = error as? DecodingError else { throw refuse("\(error)") }
      // JSON that Swift cannot take: it does not say which number.
      throw refuse(
        (try? JSONValue(parsing: data)) == nil ? "not JSON that can be read" : error.place)
    }
    // What decoding did not look at would be a setting that changes nothing.
    let (given, own) = (try JSONValue(parsing: data), try JSONValue(parsing: Data(json().utf8)))
    if let key = FrontEndConfiguration.unknown(given, own) {
      throw refuse("unknown setting \(key)")
    }
    do { _ = try frontEnd() } catch let error as IdiolectError {
      throw IdiolectError(error.code, "\(name): \(error.message)", cause: error)
    }
  }

  /// The text of such a file.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// The first key that `given` has and `own` does not.
  private static func unknown(_ given: JSONValue, _ own: JSONValue) -> String? {
    if let given = given.object, let own = own.object {
      for (key, value) in given.members where value != .null {
        guard let known = own[key] else { return key }
        if let deeper = unknown(value, known) { return "\(key).\(deeper)" }
      }
    }
    if let given = given.array, let own = own.array {
      for (index, pair) in zip(given, own).enumerated() {
        if let deeper = unknown(pair.0, pair.1) { return "\(index).\(deeper)" }
      }
    }
    return nil
  }
}

extension DecodingError {
  fileprivate var place: String {
    func path(_ context: Context, _ more: String = "") -> String {
      let keys = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }
      return String((keys.joined() + (more.isEmpty ? "" : ".\(more)")).drop { $0 == "." })
    }
    return switch self {
    case .keyNotFound(let key, let context): "\(path(context, key.stringValue)) is missing"
    case .typeMismatch(let type, let context) where type == FeatureStep.self:
      "\(path(context)) is none of "
        + FeatureStep.CodingKeys.allCases.map(\.rawValue).joined(separator: ", ")
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\(path(context)) has the wrong type"
    case .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "a number in it is too large, or not whole where it must be"
        : "\(path(context)): \(context.debugDescription)"
    @unknown default: "\(self)"
    }
  }
}
