import Basics
import Foundation

/// The hub's answers over HTTP, one at a time.
final class HubClient: Sendable {
  /// A file of a revision.
  struct File: Sendable, Hashable {
    let name: String
    let bytes: Int
    /// SHA-256 of a large file, git's hash of a small one.
    let hash: String
    let isLarge: Bool
  }

  let endpoint: String
  private let token: String?

  /// - Parameter environment: `HF_ENDPOINT`, another address of the hub; `HF_TOKEN`, sent to no other host.
  init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func named(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : $0 } }
    endpoint = FilePath.withoutSlash(named("HF_ENDPOINT") ?? "https://huggingface.co")
    // As files and shells leave it, with the end of a line.
    token = named("HF_TOKEN")?.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The commit of a revision, and its files.
  ///
  /// - Throws: `.notFound` for no such model, or one that the token may not see; `.inputOutput`, `.invalidData`.
  func files(_ repository: HubRepository, revision: String) throws -> (
    commit: String, files: [File]
  ) {
    let address = "\(endpoint)/api/models/\(repository)/revision/\(revision)?blobs=true"
    var body = Data()
    try get(
      address, what: "\(repository)", begin: { _ in body = Data() },
      take: { body.append(contentsOf: $0) })
    let answer: JSONNode
    do { answer = JSONNode(try JSONValue(parsing: body), file: address) } catch {
      throw IdiolectError(.invalidData, "\(address): the answer is no JSON: \(error)", cause: error)
    }
    let commit = try answer["sha"].string()
    guard HubRepository.isRevision(commit) else {
      throw IdiolectError(.invalidData, "\(address): '\(commit.prefix(80))' is no commit")
    }
    return (
      commit,
      try answer["siblings"].array().map { file in
        let large = file["lfs"]
        return File(
          name: try file["rfilename"].string(),
          bytes: try (large.exists ? large["size"] : file["size"]).int(default: -1),
          hash: try (large.exists ? large["sha256"] : file["blobId"]).string(default: ""),
          isLarge: large.exists)
      }
    )
  }

  /// Fetches a file's bytes from an offset on; a server that begins anew says so through `begin`.
  func fetch(
    _ file: File, of repository: HubRepository, commit: String, from offset: Int,
    begin: @escaping (_ offset: Int) throws -> Void,
    take: @escaping (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let name =
      file.name.addingPercentEncoding(
        withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-._"))) ?? file.name
    try get(
      "\(endpoint)/\(repository)/resolve/\(commit)/\(name)", what: "\(repository): \(file.name)",
      from: offset, begin: begin, take: take)
  }

  private func get(
    _ address: String, what: String, from offset: Int = 0,
    begin: @escaping (_ offset: Int) throws -> Void,
    take: @escaping (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard token?.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) != false else {
      throw IdiolectError(
        .invalidArgument,
        "HF_TOKEN: holds a space or a control character, which no token has; set it to the token alone"
      )
    }
    switch try HubTransfer(begin: begin, take: take).run(address, from: offset, token: token) {
    // 416: of a file that is whole already there is no further part.
    case .answered(200), .answered(206), .answered(416): break
    case .answered(let status) where status == 401 || status == 403:
      throw IdiolectError(
        .notFound,
        "\(what): the hub does not show it (\(status)); is it private or to be agreed to? Set HF_TOKEN to a token that may see it"
      )
    case .answered(404):
      throw IdiolectError(.notFound, "\(what): there is none on the hub (\(address))")
    case .answered(let status):
      throw IdiolectError(.inputOutput, "\(address): the hub answers \(status); try again later")
    case .unreachable(let why):
      throw IdiolectError(
        .inputOutput, "\(address): cannot be reached: \(why); check the network and HF_ENDPOINT")
    case .stopped(let failure): throw failure
    case .brokeOff(let why):
      throw IdiolectError(
        .inputOutput, "\(address): broke off: \(why); the same command goes on")
    }
  }
}
