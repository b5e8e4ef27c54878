package import Basics
import Foundation

/// Fetches what opening a model needs into the cache; an interrupted one goes on.
package struct HubPull: Sendable {
  package let repository: HubRepository
  /// A branch, tag or commit.
  package let revision: String
  /// Whose adapters are fetched too, of a model of several languages.
  package let languages: [String]
  private let cache: HubCache
  private let client: HubClient

  package init(
    _ repository: HubRepository, revision: String = "main", languages: [String] = [],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    (self.repository, self.revision, self.languages) = (repository, revision, languages)
    cache = HubCache(environment: environment)
    client = HubClient(environment: environment)
  }

  /// - Parameter say: takes a line for the person who waits.
  /// - Returns: the folder, to be given as a model.
  /// - Throws: `.notFound` for no such model or one without the files of a network; `.inputOutput` where it broke
  ///   off; `.invalidData` for content that is not what the hub says.
  package func run(say: (String) -> Void = { _ in }) throws -> String {
    let (commit, all) = try client.files(repository, revision: revision)
    let wanted = try select(all)
    let folder = cache.folder(repository)
    for part in ["blobs", "refs", "snapshots/\(commit)"] {
      try AtomicFile.makeDirectory("\(folder)/\(part)")
    }
    for file in wanted {
      let blob = "\(folder)/blobs/\(file.hash)"
      if FilePath.isFolder(blob) == nil { try fetch(file, commit, to: blob) }
      let link = "\(folder)/snapshots/\(commit)/\(file.name)"
      if (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == nil {
        try FileManager.default.createSymbolicLink(
          atPath: link, withDestinationPath: "../../blobs/\(file.hash)")
      }
      say("\(file.name), \(file.bytes) bytes")
    }
    // Last, so that it names what is whole.
    try AtomicFile.write(commit, to: "\(folder)/refs/\(revision)")
    return "\(folder)/snapshots/\(commit)"
  }

  private static let small: Set<String> = [
    "config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "alphabet.txt", "adaptation.json", "README.md",
  ]

  /// Those of the top folder that a network is read from: safetensors where there are any.
  private func select(_ all: [HubClient.File]) throws -> [HubClient.File] {
    let files = all.filter { file in
      !file.name.contains("/") && !file.name.hasPrefix(".") && file.name.utf8.count <= 255
        && !file.name.utf8.contains(0)
    }
    func weights(_ name: String, _ ending: String) -> [HubClient.File] {
      if let whole = files.first(where: { $0.name == "\(name)\(ending)" }) { return [whole] }
      let parts = files.filter { $0.name.hasPrefix("\(name)-") && $0.name.hasSuffix(ending) }
      let index = files.filter { $0.name == "\(name)\(ending).index.json" }
      return index.isEmpty ? [] : parts + index
    }
    var chosen = weights("model", ".safetensors")
    if chosen.isEmpty { chosen = weights("pytorch_model", ".bin") }
    let archive = files.filter { $0.name.hasSuffix(".nemo") }
    let isDirectory = files.contains { $0.name == "config.json" } && !chosen.isEmpty
    guard isDirectory || !archive.isEmpty else {
      throw IdiolectError(
        .notFound,
        "\(repository): has neither config.json with model.safetensors or pytorch_model.bin nor a .nemo archive: no model that can be opened"
      )
    }
    if !isDirectory { chosen = archive }
    chosen += files.filter { Self.small.contains($0.name) }
    for language in languages {
      let own = ["adapter.\(language).safetensors", "adapter.\(language).bin"]
      guard let adapter = own.lazy.compactMap({ name in files.first { $0.name == name } }).first
      else {
        throw IdiolectError(
          .notFound, "\(repository): has no adapter of the language '\(language)'")
      }
      chosen.append(adapter)
    }
    for file in chosen {
      let digits = file.isLarge ? 64 : 40
      guard file.bytes >= 0, file.hash.utf8.count == digits,
        file.hash.utf8.allSatisfy({ HubPull.isDigit($0) })
      else {
        throw IdiolectError(
          .invalidData, "\(repository): the hub says no size or hash of \(file.name)")
      }
    }
    return chosen
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  /// Into a file beside the blob, which takes its place when size and hash are right.
  private func fetch(_ file: HubClient.File, _ commit: String, to blob: String) throws {
    let partial = "\(blob).incomplete"
    let descriptor = open(partial, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw IdiolectError(
        .inputOutput, "\(partial): cannot be written: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw IdiolectError(.inputOutput, "\(partial): another program fetches it now; wait for that")
    }
    var status = stat()
    let present = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    // One that has grown too long is of something else.
    let start = present <= file.bytes ? present : 0
    let bar = ProgressBar(
      "fetching \(file.name)", total: max(1, file.bytes >> 20), unit: "MiB", lineSeconds: nil)
    var place = start
    if start < file.bytes || file.bytes == 0 {
      try client.fetch(
        file, of: repository, commit: commit, from: start,
        begin: { offset in
          guard offset <= start else {
            throw IdiolectError(
              .invalidData,
              "\(file.name): the hub sends bytes from \(offset), \(start) was asked for")
          }
          place = offset
          guard ftruncate(descriptor, off_t(offset)) == 0 else {
            throw IdiolectError(.inputOutput, "\(partial): \(String(cString: strerror(errno)))")
          }
        },
        take: { bytes in
          guard place + bytes.count <= file.bytes else {
            throw IdiolectError(
              .invalidData,
              "\(file.name): the hub sends more than the \(file.bytes) bytes it said")
          }
          try HubPull.write(bytes, to: descriptor, at: place, partial)
          bar.advance(by: (place + bytes.count) >> 20 - place >> 20)
          place += bytes.count
        })
    }
    bar.finish()
    guard place == file.bytes else {
      throw IdiolectError(
        .inputOutput,
        "\(file.name): broke off after \(place) of \(file.bytes) bytes; the same command goes on")
    }
    let found =
      file.isLarge
      ? try SHA256.hash(file: partial).hex
      : GitBlobHash.hex(FileManager.default.contents(atPath: partial) ?? Data())
    guard found == file.hash else {
      unlink(partial)
      throw IdiolectError(
        .invalidData,
        "\(file.name): its hash is \(found), the hub says \(file.hash): damaged on the way, or changed; fetch it again"
      )
    }
    guard rename(partial, blob) == 0 else {
      throw IdiolectError(
        .inputOutput, "\(blob): cannot be written: \(String(cString: strerror(errno)))")
    }
  }

  private static func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at place: Int, _ path: String
  ) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(place + done))
      guard count > 0 else {
        throw IdiolectError(
          .inputOutput, "\(path): cannot be written: \(String(cString: strerror(errno)))")
      }
      done += count
    }
  }
}
