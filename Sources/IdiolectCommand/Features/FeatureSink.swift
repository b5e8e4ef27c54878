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
  /// What is done so far; nil where nothing of an interrupted run is kept.
  private let journal: FeatureJournal?
  /// Bytes for a header, which is known when all is done, before the features.
  private let space: Int

  /// - Parameters:
  ///   - output: ends in .safetensors, .ark or .jsonl; `-` for JSON lines on standard output; else a folder.
  ///   - names: of all the recordings that may come.
  ///   - fingerprint: of the job, so that what another left is not gone on with.
  init(_ output: String, names: [String], fingerprint: String) throws {
    let form = FeatureOutput(output)
    switch form {
    case .safetensors: kind = .safetensors
    case .archive: kind = .archive
    case .lines: kind = .lines
    default: kind = .folder
    }
    space = form == .safetensors ? try FeatureSink.space(names, output) : 0
    let known = Set(names)
    if case .folder = kind {
      path = output
      try AtomicFile.makeDirectory(output)
      journal = try FeatureJournal(FilePath.join(output, "features"), fingerprint: fingerprint) {
        record, header in
        known.contains(record.name) && header == 0 && record.end == record.offset
          && FeatureSink.isArray(FeatureSink.path(record.name, in: output), of: record.bytes)
      }
      FeatureSink.sweep(names.map { FeatureSink.path($0, in: output) })
    } else {
      // Through a link, beside what it names.
      path = output == "-" ? output : AtomicFile.target(of: output)
      let (isArchive, isText) = (form == .archive, form == .lines)
      journal =
        output == "-"
        ? nil
        : try FeatureJournal(path, fingerprint: fingerprint, space: space) { record, header in
          let before =
            isArchive
            ? FeatureSink.key(record.name).utf8.count + 1 + FeatureSink.kaldiHeaderLength : 0
          let length = record.end - record.offset
          return known.contains(record.name) && header == before
            && (isText ? length > 0 : length == record.bytes)
        }
      if output != "-" {
        FeatureSink.sweep(
          [FeatureSink.notes(of: output)] + (isArchive ? [FeatureSink.index(of: output)] : []))
      }
    }
  }

  private static func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Whether a file can be a NumPy array of so many bytes.
  private static func isArray(_ path: String, of bytes: Int) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      && Int(status.st_size) == NumpyFile.headerLength + bytes
  }

  /// - Parameter path: of a file of mean and variance, which keep nothing of an interrupted run.
  init(statistics path: String) {
    (self.path, space) = (path, 0)
    (kind, journal) = (.statistics(StatisticsCollector(path)), nil)
  }

  /// Recordings that an interrupted run has finished.
  var done: Set<String> { Set(journal?.records.map(\.name) ?? []) }

  /// Files beside an output while it is unfinished.
  static func unfinished(_ output: String) -> [String] {
    switch FeatureOutput(output) {
    case .safetensors, .archive, .lines:
      output == "-"
        ? []
        : [".partial", ".partial.jsonl"].map { AtomicFile.target(of: output) + $0 }
    default: []
    }
  }

  /// What a recording is called in an output: known before that is opened, for to open it may end another job.
  static func place(of name: String, in output: String) -> String {
    switch FeatureOutput(output) {
    case .archive: key(name)
    case .safetensors, .lines: name
    default: path(name, in: output)
    }
  }

  /// Features as they are made: hands frames to its argument, and returns how many there were and are valid.
  typealias Maker = (_ write: @escaping ([Float]) throws -> Void) throws -> (
    total: Int, valid: Int
  )

  /// - Throws: what `make` throws, and then nothing of this recording is left.
  func add(_ name: String, _ frontEnd: any FrontEnd, _ make: Maker) throws {
    switch kind {
    case .statistics(let collector): try collector.add(name, frontEnd, make)
    case .folder:
      let file = FeatureSink.path(name, in: path)
      try AtomicFile.makeDirectory(FilePath.directory(of: file))
      // Only links that were given are followed.
      if FeatureSink.isLink(file) { unlink(file) }
      var frames = (total: 0, valid: 0)
      try NumpyFile.write(to: file) { append in
        frames = try make(append)
        return [frames.total, frontEnd.bins]
      }
      try journal?.add(name, frontEnd) { _ in frames }
    case .safetensors: try addFloats(name, frontEnd, header: { _ in Data() }, make)
    case .archive:
      let key = Data((FeatureSink.key(name) + " ").utf8)
      try addFloats(
        name, frontEnd, header: { key + FeatureSink.kaldiHeader([$0, frontEnd.bins]) }, make)
    case .lines:
      guard let journal else {
        var line = Data()
        _ = try FeatureLine.write(name, frontEnd, make) { line += $0 }
        return try StandardOutput.line(String(decoding: line, as: UTF8.self))
      }
      try journal.add(name, frontEnd) { append in
        let frames = try FeatureLine.write(name, frontEnd, make, to: append)
        try append(Data("\n".utf8))
        return frames
      }
    }
  }

  private func addFloats(
    _ name: String, _ frontEnd: any FrontEnd, header: (_ frames: Int) -> Data, _ make: Maker
  ) throws {
    try journal?.add(name, frontEnd, header: header) { append in
      try make { values in try append(values.withUnsafeBytes { Data($0) }) }
    }
  }

  /// Makes the output whole.
  ///
  /// - Parameter preset: what the convention is called, for those who open the output.
  func finish(preset: String) throws {
    if case .statistics(let collector) = kind { try collector.finish() }
    guard let journal else { return }
    switch kind {
    case .statistics: break
    case .folder: journal.remove()
    case .safetensors:
      let records = journal.records
      let header = try SafetensorsWriter.header(
        records.map { ($0.name, $0.shape) },
        metadata: FeatureSink.metadata(
          preset: preset, records.map { ($0.name, $0.frontEnd, $0.valid) }),
        space: space, path: path)
      try journal.finish(header: header, to: path)
    case .archive:
      let index = journal.records.map { record in
        // An index points to what follows the name.
        let key = FeatureSink.key(record.name)
        return "\(key) \(path):\(record.offset - FeatureSink.kaldiHeaderLength)\n"
      }
      // First, so that what is unfinished can still be gone on with where it cannot be written.
      try AtomicFile.write(index.joined(), to: FeatureSink.index(of: path))
      try journal.finish(to: path)
    case .lines: try journal.finish(to: path)
    }
  }

  /// Drops what there is, for nothing will come of it.
  func abandon() { journal?.remove() }

  /// More than the header of these recordings takes.
  private static func space(_ names: [String], _ output: String) throws -> Int {
    // A name by itself, and within the text that says how many frames are valid; with it numbers and a fingerprint.
    let texts = names.map { name in
      let once = JSONValue.string(name).text(.compact, sortedKeys: false)
      return once.utf8.count + JSONValue.string(once).text(.compact, sortedKeys: false).utf8.count
    }
    let space = (4096 + texts.reduce(0) { $0 + $1 + 130 } + 4095) / 4096 * 4096
    guard space <= SafetensorsWriter.largestHeader else {
      throw IdiolectError(
        .invalidArgument,
        "\(output): \(names.count) recordings are too many for one safetensors file; choose an --output that ends in .ark, or a folder"
      )
    }
    return space
  }

  /// What a safetensors file says of its features: which front end made them, and how many frames of each count.
  static func metadata(
    preset: String, _ recordings: [(name: String, frontEnd: String, valid: Int)]
  ) -> [String: String] {
    let valid = JSONObject(recordings.map { ($0.name, .integer($0.valid)) })
    return [
      "format": "pt", "preset": preset,
      "front_end": Set(recordings.map(\.frontEnd)).sorted().joined(separator: " "),
      "valid_frames": JSONValue.object(valid).text(.compact, sortedKeys: false),
    ]
  }

  private static func path(_ name: String, in folder: String) -> String {
    // Below the folder, whatever the name says: by bytes, for a slash and the accent after it are one character.
    let parts = name.utf8.split(separator: UInt8(ascii: "/")).map { String($0)! }
      .filter { $0 != ".." && $0 != "." }
    return FilePath.join(folder, parts.joined(separator: "/") + ".npy")
  }

  /// Removes what a killed run had not finished writing of these recordings.
  private static func sweep(_ paths: [String]) {
    let places = Set(paths)
    let files = FileManager.default
    for folder in Set(places.map(FilePath.directory)) {
      for entry in (try? files.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? [] {
        let place = FilePath.join(folder, entry)
        if let whole = AtomicFile.target(ofUnfinished: place), places.contains(whole) {
          unlink(place)
        }
      }
    }
  }

  /// The file that says where in an archive each recording's features lie.
  static func index(of archive: String) -> String {
    String(AtomicFile.target(of: archive).dropLast(3)) + "scp"
  }

  /// The file that names what could not be used.
  static func notes(of output: String) -> String {
    "\(FilePath.withoutSlash(output)).quarantine.jsonl"
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

/// The kinds of output, by what a path ends with.
enum FeatureOutput: Equatable {
  case array, safetensors, archive, lines, folder
  /// A name without an ending: a folder, or one array where it is a device or not there.
  case plain
  /// An ending that says something else.
  case other(String)

  init(_ path: String) {
    let name = path.split(separator: "/").last ?? ""
    let ending = name.contains(".") ? name.split(separator: ".").last?.lowercased() ?? "" : ""
    if path == "-" {
      self = .lines
    } else if path.hasSuffix("/") || FilePath.isFolder(path) == true {
      self = .folder
    } else {
      switch ending {
      case "npy": self = .array
      case "safetensors": self = .safetensors
      case "ark": self = .archive
      case "jsonl": self = .lines
      case "": self = .plain
      default: self = .other(ending)
      }
    }
  }
}
