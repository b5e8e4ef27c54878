import Basics
import Foundation
import ModelHub
import Synchronization
import TestSupport
import Testing

/// Fetching from a server on loopback that serves the hub's routes.
@Suite struct HubPullTests {
  private static let commit = String(repeating: "a1", count: 20)

  private struct Content: Sendable {
    var files: [String: Data] = [
      "config.json": Data("{}".utf8), "vocab.json": Data("{\"a\": 0}".utf8),
      "model.safetensors": Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }),
      "pytorch_model.bin": Data("not wanted".utf8), "adapter.swh.safetensors": Data("adapter".utf8),
      "sub/config.json": Data("not wanted".utf8), "run.py": Data("not wanted".utf8),
    ]

    func isLarge(_ name: String) -> Bool {
      name.hasSuffix(".safetensors") || name.hasSuffix(".bin")
    }

    /// What the hub says of the files.
    var listing: Data {
      get throws {
        let siblings = try files.sorted { $0.key < $1.key }.map { name, data -> JSONValue in
          if isLarge(name) {
            let path = try Golden.temporaryDirectory() + "/x"
            try data.write(to: URL(fileURLWithPath: path))
            return [
              "rfilename": .string(name), "size": .integer(data.count), "blobId": "0",
              "lfs": [
                "sha256": .string(try SHA256.hash(file: path).hex), "size": .integer(data.count),
              ],
            ]
          }
          return [
            "rfilename": .string(name), "size": .integer(data.count), "blobId": .string(blob(name)),
          ]
        }
        let answer: JSONValue = ["sha": .string(commit), "siblings": .array(siblings)]
        return Data(answer.text().utf8)
      }
    }

    /// By `git hash-object`.
    private func blob(_ name: String) -> String {
      [
        "config.json": "9e26dfeeb6e641a33dae4961196235bdb965b21b",
        "vocab.json": "ac1121d84e8d3115b222bcfaeb858637d4bcbbf6",
      ][name] ?? String(repeating: "0", count: 40)
    }

    func reply(_ path: String, _ headers: [String: String]) -> LoopbackHub.Reply {
      if path.hasPrefix("/api/models/owner/name/revision/main") {
        return .init(body: (try? listing) ?? Data())
      }
      let prefix = "/owner/name/resolve/\(commit)/"
      guard path.hasPrefix(prefix), let data = files[String(path.dropFirst(prefix.count))] else {
        return .init(status: 404)
      }
      guard let range = headers["range"], let start = Int(range.dropFirst(6).dropLast()) else {
        return .init(body: data)
      }
      return .init(
        status: 206, body: data.dropFirst(start),
        headers: ["Content-Range": "bytes \(start)-\(data.count - 1)/\(data.count)"])
    }
  }

  /// A pull from a server into a cache of its own.
  private func pull(
    _ hub: LoopbackHub, _ home: String, languages: [String] = [], token: String? = nil
  ) throws -> String {
    try pull("http://127.0.0.1:\(hub.port)", home, languages: languages, token: token)
  }

  private func pull(
    _ endpoint: String, _ home: String, languages: [String] = [], token: String? = nil
  ) throws -> String {
    var environment = ["HF_HOME": home, "HF_ENDPOINT": endpoint]
    environment["HF_TOKEN"] = token
    return try HubPull(
      HubRepository("owner/name")!, languages: languages, environment: environment
    ).run()
  }

  private func withHome(_ body: (String) throws -> Void) throws {
    let home = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: home) }
    try body(home)
  }

  @Test func fetchesWhatANetworkNeeds() throws {
    let content = Content()
    let hub = try LoopbackHub { content.reply($0, $1) }
    defer { hub.stop() }
    try withHome { home in
      let folder = try pull(hub, home, languages: ["swh"], token: "secret")
      #expect(folder == "\(home)/hub/models--owner--name/snapshots/\(Self.commit)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(
        names == ["adapter.swh.safetensors", "config.json", "model.safetensors", "vocab.json"])
      for name in names {
        #expect(FileManager.default.contents(atPath: "\(folder)/\(name)") == content.files[name])
      }
      let cache = HubCache(environment: ["HF_HOME": home])
      #expect(cache.snapshot(HubRepository("owner/name")!) == folder)
      #expect(
        hub.requests.withLock { $0.allSatisfy { $0.headers["authorization"] == "Bearer secret" } })
      // Nothing is fetched twice.
      let before = hub.requests.withLock { $0.count }
      _ = try pull(hub, home)
      #expect(hub.requests.withLock { $0.count } == before + 1)
    }
  }

  /// Broken off, the same command goes on from where it was.
  @Test func goesOn() throws {
    let content = Content()
    let breaks = Flag()
    let hub = try LoopbackHub { path, headers in
      var reply = content.reply(path, headers)
      if path.hasSuffix("model.safetensors"), breaks.takeOnce() { reply.cut = 123_456 }
      return reply
    }
    defer { hub.stop() }
    try withHome { home in
      let error = #expect(throws: IdiolectError.self) { try pull(hub, home) }
      #expect(error?.code == .inputOutput)
      let folder = try pull(hub, home)
      #expect(
        FileManager.default.contents(atPath: "\(folder)/model.safetensors")
          == content.files["model.safetensors"])
      let ranges = hub.requests.withLock { $0.compactMap { $0.headers["range"] } }
      #expect(ranges.count == 1 && ranges[0] == "bytes=123456-")
    }
  }

  /// As a file or a shell leaves it; what would be more than a header's value is refused.
  @Test func tokens() throws {
    let content = Content()
    let hub = try LoopbackHub { content.reply($0, $1) }
    defer { hub.stop() }
    try withHome { home in
      _ = try pull(hub, home, token: " secret\n")
      #expect(
        hub.requests.withLock { $0.allSatisfy { $0.headers["authorization"] == "Bearer secret" } })
      let error = #expect(throws: IdiolectError.self) {
        try pull(hub, home, token: "a\r\nX-Other: 1")
      }
      #expect(error?.message.hasPrefix("HF_TOKEN") == true)
    }
  }

  @Test(arguments: [401, 403, 404, 500]) func refusals(_ status: Int) throws {
    let hub = try LoopbackHub { _, _ in .init(status: status) }
    defer { hub.stop() }
    try withHome { home in
      let error = #expect(throws: IdiolectError.self) { try pull(hub, home) }
      #expect(
        error?.message.contains(status < 404 ? "HF_TOKEN" : status == 404 ? "none" : "500") == true)
    }
  }

  /// What is not what the hub says is not kept.
  @Test func damagedOnTheWay() throws {
    let content = Content()
    let hub = try LoopbackHub { path, headers in
      var reply = content.reply(path, headers)
      if path.hasSuffix("model.safetensors") { reply.body[5] ^= 1 }
      return reply
    }
    defer { hub.stop() }
    try withHome { home in
      let error = #expect(throws: IdiolectError.self) { try pull(hub, home) }
      #expect(error?.message.contains("its hash is") == true)
      #expect(
        HubCache(environment: ["HF_HOME": home]).snapshot(HubRepository("owner/name")!) == nil)
    }
  }

  /// A file elsewhere is fetched without the token.
  @Test func theTokenStaysAtTheHub() throws {
    let content = Content()
    let elsewhere = try LoopbackHub { path, headers in content.reply(path, headers) }
    defer { elsewhere.stop() }
    let port = elsewhere.port
    let hub = try LoopbackHub { path, headers in
      path.hasSuffix("model.safetensors")
        ? .init(status: 302, headers: ["Location": "http://localhost:\(port)\(path)"])
        : content.reply(path, headers)
    }
    defer { hub.stop() }
    try withHome { home in
      let folder = try pull(hub, home, token: "secret")
      #expect(
        FileManager.default.contents(atPath: "\(folder)/model.safetensors")
          == content.files["model.safetensors"])
      #expect(elsewhere.requests.withLock { $0.map { $0.headers["authorization"] } } == [nil])
    }
  }

  @Test func unreachable() throws {
    try withHome { home in
      // Nobody listens at the first port.
      let error = #expect(throws: IdiolectError.self) { try pull("http://127.0.0.1:1", home) }
      #expect(error?.message.contains("cannot be reached") == true)
    }
  }

  @Test(arguments: [
    "a", "a/b/c", "../x", "a/..", "a/.b", "/a", "a/", "a b/c", "a/b\u{0}", "a/b?x", "-a/b",
    "a--b/c",
  ]) func names(_ name: String) { #expect(HubRepository(name) == nil) }
}

/// True the first time only.
private final class Flag: @unchecked Sendable {
  private let lock = NSLock()
  private var isTaken = false

  func takeOnce() -> Bool {
    lock.withLock {
      defer { isTaken = true }
      return !isTaken
    }
  }
}
