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
    case statistics(StatisticsCollector)
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
    if case .folder = kind { try AtomicFile.makeDirectory(output) }
    var place = output
    if case .folder = kind { place = FilePath.join(output, "features") }
    journal = output == "-" ? nil : try FeatureJournal(place, fingerprint: fingerprint)
  }

  /// - Parameter path: of a file of mean and variance, which keep nothing of an interrupted run.
  init(statistics path: String) {
    self.path = path
    (kind, journal) = (.statistics(StatisticsCollector(path)), nil)
  }

  /// Recordings that an interrupted run has finished.
  var done: Set<String> { Set(journal?.records.map(\.name) ?? []) }

  /// Features as they are made: hands frames to its argument, and returns how many there were and are valid.
  typealias Maker = (_ write: @escaping ([Float]) throws -> Void) throws -> (total: Int, valid: Int)

  /// - Throws: what `make` throws, and then nothing of this recording is left.
  func add(_ name: String, _ frontEnd: any FrontEnd, _ make: Maker) throws {
    let bins = frontEnd.bins
    switch kind {
    case .statistics(let collector): try collector.add(name, frontEnd, make)
    case .folder:
      let file = FeatureSink.path(name, in: path)
      try AtomicFile.makeDirectory(FilePath.directory(of: file))
      var frames = 0
      try NumpyFile.write(to: file) { append in
        frames = try make(append).total
        return [frames, bins]
      }
      try journal?.add(name, bins: bins) { _ in frames }
    case .safetensors: try addFloats(name, bins: bins, header: { _ in Data() }, make)
    case .archive:
      let key = Data((FeatureSink.key(name) + " ").utf8)
      try addFloats(name, bins: bins, header: { key + FeatureSink.kaldiHeader([$0, bins]) }, make)
    case .lines:
      guard let journal else {
        var line = ""
        _ = try FeatureSink.line(name, bins: bins, make) { line += $0 }
        return try StandardOutput.line(line)
      }
      try journal.add(name, bins: bins) { append in
        let frames = try FeatureSink.line(name, bins: bins, make) { try append(Data($0.utf8)) }
        try append(Data("\n".utf8))
        return frames
      }
    }
  }

  private func addFloats(
    _ name: String, bins: Int, header: (_ frames: Int) -> Data, _ make: Maker
  ) throws {
    try journal?.add(name, bins: bins, header: header) { append in
      try make { values in try append(values.withUnsafeBytes { Data($0) }) }.total
    }
  }

  /// Makes the output whole.
  func finish() throws {
    if case .statistics(let collector) = kind { try collector.finish() }
    guard let journal else { return }
    switch kind {
    case .statistics: break
    case .folder: journal.remove()
    case .safetensors:
      try SafetensorsWriter.write(
        journal.records.map { record in
          SafetensorsTensor(
            record.name, shape: record.shape,
            parts: { append in
              try journal.floats(of: record, to: append)
            })
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

  /// An object in parts: its frames are counted when they are there.
  private static func line(
    _ name: String, bins: Int, _ make: Maker, _ append: @escaping (String) throws -> Void
  ) throws -> Int {
    let name = JSONValue.string(name).text(.compact, sortedKeys: false)
    try append("{\"name\":\(name),\"bins\":\(bins),\"features\":[")
    var isFirst = true
    let counts = try make { values in
      for start in stride(from: 0, to: values.count, by: bins) {
        // A float's own digits, which those of the same number as a double are not.
        let row = values[start..<start + bins].map(\.description).joined(separator: ",")
        try append("\(isFirst ? "" : ",")[\(row)]")
        isFirst = false
      }
    }
    try append("],\"frames\":\(counts.total),\"valid_frames\":\(counts.valid)}")
    return counts.total
  }

  /// A key of Kaldi's tables has no white space.
  private static func key(_ name: String) -> String {
    String(name.map { $0.isWhitespace ? "_" : $0 })
  }

  /// Binary mark, type and two sizes.
  private static let kaldiHeaderLength = 2 + 3 + 5 + 5

  private static func kaldiHeader(_ shape: [Int]) -> Data {
    var data = Data("\0BFM ".utf8)
    for size in shape {
      data.append(4)
      withUnsafeBytes(of: Int32(size).littleEndian) { data.append(contentsOf: $0) }
    }
    return data
  }
}
