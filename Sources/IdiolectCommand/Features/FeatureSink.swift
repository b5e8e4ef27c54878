import Basics
import Foundation
import Idiolect

/// Where the features of many recordings go.
struct FeatureSink {
  private enum Kind {
    /// A `.npy` file each.
    case folder
    case safetensors
    /// Kaldi's archive with its index, `PATH.ark` and `PATH.scp`.
    case archive
    /// An object a line, with the features as rows of numbers.
    case lines
  }

  private let kind: Kind
  private let path: String
  /// What is done so far; nil for standard output, which is gone.
  private let journal: FeatureJournal?

  /// - Parameters:
  ///   - output: ends in .safetensors, .ark or .jsonl; `-` for JSON lines on standard output; else a folder.
  ///   - fingerprint: of the job, so that what another left is not gone on with.
  init(_ output: String, fingerprint: String) throws {
    path = output
    switch output.split(separator: ".").last {
    case "safetensors": kind = .safetensors
    case "ark": kind = .archive
    case "jsonl", "-": kind = .lines
    default: kind = .folder
    }
    if kind == .folder { try AtomicFile.makeDirectory(output) }
    journal =
      output == "-"
      ? nil
      : try FeatureJournal(
        kind == .folder ? FilePath.join(output, "features") : output, fingerprint: fingerprint)
  }

  /// Recordings that an interrupted run has finished.
  var done: Set<String> { Set(journal?.records.map(\.name) ?? []) }

  func add(_ name: String, _ features: Features) throws {
    let shape = [features.frames, features.bins]
    switch kind {
    case .folder:
      let file = FeatureSink.path(name, in: path)
      try AtomicFile.makeDirectory(FilePath.directory(of: file))
      try NumpyFile(shape: shape, values: features.values).write(to: file)
      try journal?.add(name, shape: shape, Data())
    case .safetensors: try journal?.add(name, features)
    case .archive:
      try journal?.add(name, features, prefix: FeatureSink.kaldiPrefix(name, features))
    case .lines:
      let line = FeatureSink.line(name, features)
      guard let journal else { return try StandardOutput.line(line) }
      try journal.add(name, shape: shape, Data((line + "\n").utf8))
    }
  }

  /// Makes the output whole.
  func finish() throws {
    guard let journal else { return }
    switch kind {
    case .folder: journal.remove()
    case .safetensors:
      let data = try MappedBytes(journal.dataPath)
      try SafetensorsWriter.write(
        journal.records.map { record in
          SafetensorsTensor(record.name, shape: record.shape) {
            data.floats(record.offset..<record.end)
          }
        }, to: path)
      journal.remove()
    case .archive:
      let index = journal.records.map { record in
        // An index points to what follows the name.
        let key = FeatureSink.key(record.name)
        return "\(key) \(path):\(record.offset - FeatureSink.kaldiHeaderLength)\n"
      }
      try journal.rename(to: path)
      try AtomicFile.write(index.joined(), to: String(path.dropLast(3)) + "scp")
    case .lines: try journal.rename(to: path)
    }
  }

  private static func path(_ name: String, in folder: String) -> String {
    // Below the folder, whatever the name says.
    let parts = name.split(separator: "/").filter { $0 != ".." && $0 != "." }
    return FilePath.join(folder, parts.joined(separator: "/") + ".npy")
  }

  private static func line(_ name: String, _ features: Features) -> String {
    let rows = (0..<features.frames).map { frame -> JSONValue in
      .array(
        features.values[frame * features.bins..<(frame + 1) * features.bins]
          .map { .number(Double($0.description) ?? Double($0)) })
    }
    return JSONValue.object([
      "name": .string(name), "frames": .integer(features.frames),
      "valid_frames": .integer(features.validFrames), "bins": .integer(features.bins),
      "features": .array(rows),
    ]).text(.compact, sortedKeys: false)
  }

  /// A key of Kaldi's tables has no white space.
  private static func key(_ name: String) -> String {
    String(name.map { $0.isWhitespace ? "_" : $0 })
  }

  /// Binary mark, type and two sizes.
  private static let kaldiHeaderLength = 2 + 3 + 5 + 5

  private static func kaldiPrefix(_ name: String, _ features: Features) -> Data {
    var data = Data((key(name) + " \0BFM ").utf8)
    for size in [features.frames, features.bins] {
      data.append(4)
      withUnsafeBytes(of: Int32(size).littleEndian) { data.append(contentsOf: $0) }
    }
    return data
  }
}

/// A file's bytes, read as they are asked for.
private struct MappedBytes {
  private let data: Data

  init(_ path: String) throws {
    do { data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped) } catch {
      throw IdiolectError(.inputOutput, "\(path): cannot be read", cause: error)
    }
  }

  func floats(_ range: Range<Int>) -> [Float] {
    [Float](unsafeUninitializedCapacity: range.count / 4) { buffer, count in
      count = range.count / 4
      data.copyBytes(to: UnsafeMutableRawBufferPointer(buffer), from: range)
    }
  }
}
