import Basics
import Foundation
import Idiolect

/// Where the features of many recordings go.
enum FeatureSink {
  /// A `.npy` file each, in a folder.
  case folder(String)
  case safetensors(String, FeatureJournal)
  /// Kaldi's archive with its index, `PATH.ark` and `PATH.scp`.
  case archive(String, FeatureJournal)
  /// An object a line, with the features as rows of numbers.
  case lines(String, FeatureJournal)
  case standardOutput

  /// - Parameters:
  ///   - output: ends in .safetensors, .ark or .jsonl; `-` for JSON lines on standard output; else a folder.
  ///   - fingerprint: of the job, so that what another left is not gone on with.
  init(_ output: String, fingerprint: String) throws {
    switch output {
    case "-": self = .standardOutput
    case _ where output.hasSuffix(".safetensors"):
      self = .safetensors(output, try FeatureJournal(output, fingerprint: fingerprint))
    case _ where output.hasSuffix(".ark"):
      self = .archive(output, try FeatureJournal(output, fingerprint: fingerprint))
    case _ where output.hasSuffix(".jsonl"):
      self = .lines(output, try FeatureJournal(output, fingerprint: fingerprint))
    default:
      try AtomicFile.makeDirectory(output)
      self = .folder(output)
    }
  }

  /// Recordings that an interrupted run has finished.
  func isDone(_ name: String, of done: Set<String>) -> Bool {
    switch self {
    case .folder(let folder):
      FileManager.default.fileExists(atPath: FeatureSink.path(name, in: folder))
    default: done.contains(name)
    }
  }

  var done: Set<String> {
    switch self {
    case .folder, .standardOutput: []
    case .safetensors(_, let journal), .archive(_, let journal), .lines(_, let journal):
      Set(journal.records.map(\.name))
    }
  }

  func add(_ name: String, _ features: Features) throws {
    switch self {
    case .folder(let folder):
      let path = FeatureSink.path(name, in: folder)
      try AtomicFile.makeDirectory(FilePath.directory(of: path))
      try NumpyFile(shape: [features.frames, features.bins], values: features.values).write(
        to: path)
    case .safetensors(_, let journal): try journal.add(name, features)
    case .archive(_, let journal):
      let prefix = FeatureSink.kaldiPrefix(name, features)
      try journal.add(name, features, prefix: prefix)
    case .lines(_, let journal):
      try journal.add(
        name, shape: [features.frames, features.bins],
        Data((FeatureSink.line(name, features) + "\n").utf8))
    case .standardOutput: try StandardOutput.line(FeatureSink.line(name, features))
    }
  }

  /// Makes the output whole.
  func finish() throws {
    switch self {
    case .folder, .standardOutput: return
    case .safetensors(let path, let journal):
      let data = try MappedBytes(journal.dataPath)
      try SafetensorsWriter.write(
        journal.records.map { record in
          SafetensorsTensor(record.name, shape: record.shape) {
            data.floats(record.offset..<record.end)
          }
        }, to: path)
      journal.remove()
    case .archive(let path, let journal):
      let index = journal.records.map { record in
        // An index points to what follows the name.
        let key = FeatureSink.key(record.name)
        return "\(key) \(path):\(record.offset - FeatureSink.kaldiHeaderLength)\n"
      }
      try journal.rename(to: path)
      try AtomicFile.write(index.joined(), to: String(path.dropLast(3)) + "scp")
    case .lines(let path, let journal): try journal.rename(to: path)
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
