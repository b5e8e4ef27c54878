import Basics
import Foundation
import FoundationNetworking
import Synchronization

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
    token = named("HF_TOKEN")
  }

  /// The commit of a revision, and its files.
  ///
  /// - Throws: `.notFound` for no such model, or one that the token may not see; `.inputOutput`, `.invalidData`.
  func files(_ repository: HubRepository, revision: String) throws -> (
    commit: String, files: [File]
  ) {
    let address = "\(endpoint)/api/models/\(repository)/revision/\(revision)?blobs=true"
    let body = Mutex(Data())
    try get(
      address, what: "\(repository)", begin: { _ in body.withLock { $0 = Data() } },
      take: { data in body.withLock { $0.append(data) } })
    let answer: JSONNode
    do { answer = JSONNode(try JSONValue(parsing: body.withLock { $0 }), file: address) } catch {
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
    begin: @escaping @Sendable (_ offset: Int) throws -> Void,
    take: @escaping @Sendable (Data) throws -> Void
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
    begin: @escaping @Sendable (_ offset: Int) throws -> Void,
    take: @escaping @Sendable (Data) throws -> Void
  ) throws {
    guard let url = URL(string: address) else {
      throw IdiolectError(.invalidArgument, "\(address): no address; check HF_ENDPOINT")
    }
    var request = URLRequest(url: url)
    request.timeoutInterval = 60
    if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
    if offset > 0 { request.setValue("bytes=\(offset)-", forHTTPHeaderField: "Range") }
    let answer = HubAnswer(host: url.host, begin: begin, take: take)
    let session = URLSession(configuration: .ephemeral, delegate: answer, delegateQueue: nil)
    defer { session.invalidateAndCancel() }
    let task = session.dataTask(with: request)
    task.resume()
    try answer.wait(address, what: what)
  }
}

/// Collects one answer.
private final class HubAnswer: NSObject, URLSessionDataDelegate, Sendable {
  private struct State {
    var status = 0
    var failure: (any Error)?
  }

  private let state = Mutex(State())
  private let done = DispatchSemaphore(value: 0)
  private let host: String?
  private let begin: @Sendable (Int) throws -> Void
  private let take: @Sendable (Data) throws -> Void

  init(
    host: String?, begin: @escaping @Sendable (Int) throws -> Void,
    take: @escaping @Sendable (Data) throws -> Void
  ) {
    (self.host, self.begin, self.take) = (host, begin, take)
  }

  func wait(_ address: String, what: String) throws {
    done.wait()
    let (status, failure) = state.withLock { ($0.status, $0.failure) }
    switch status {
    case 200, 206, 416: break
    case 401, 403:
      throw IdiolectError(
        .notFound,
        "\(what): the hub does not show it (\(status)); is it private or to be agreed to? Set HF_TOKEN to a token that may see it"
      )
    case 404: throw IdiolectError(.notFound, "\(what): there is none on the hub (\(address))")
    case 0:
      let why = failure.map { ($0 as? URLError)?.localizedDescription ?? "\($0)" } ?? "no answer"
      throw (failure as? IdiolectError)
        ?? IdiolectError(.inputOutput, "\(address): cannot be reached: \(why)")
    default:
      throw IdiolectError(.inputOutput, "\(address): the hub answers \(status); try again later")
    }
    if let failure {
      throw (failure as? IdiolectError)
        ?? IdiolectError(
          .inputOutput,
          "\(address): broke off: \(failure.localizedDescription); the same command goes on")
    }
  }

  /// The token is for the hub alone: files lie elsewhere.
  func urlSession(
    _ session: URLSession, task: URLSessionTask,
    willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
  ) {
    var request = request
    if request.url?.host != host { request.setValue(nil, forHTTPHeaderField: "Authorization") }
    completionHandler(request)
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    let answer = response as? HTTPURLResponse
    let status = answer?.statusCode ?? 0
    state.withLock { $0.status = status }
    guard status == 200 || status == 206 else { return completionHandler(.cancel) }
    // "bytes 100-199/200"
    let range = answer?.value(forHTTPHeaderField: "Content-Range")
    let offset = range.flatMap { $0.split(separator: " ").last?.split(separator: "-").first }
      .flatMap { Int($0) }
    do {
      try begin(status == 206 ? offset ?? 0 : 0)
      completionHandler(.allow)
    } catch {
      state.withLock { $0.failure = error }
      completionHandler(.cancel)
    }
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    do { try take(data) } catch {
      state.withLock { $0.failure = $0.failure ?? error }
      dataTask.cancel()
    }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    state.withLock { $0.failure = $0.failure ?? error }
    done.signal()
  }
}
