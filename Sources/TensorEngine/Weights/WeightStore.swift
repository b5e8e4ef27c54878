import Basics
import Foundation

/// The weights of a model directory as one namespace: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` lists; where there are none, PyTorch's `pytorch_model.bin` or its shards, or a
/// checkpoint of another of PyTorch's usual names.
public struct WeightStore: Sendable {
  /// The files, in the order of their names.
  public let files: [any WeightFile]
  private let home: [String: Int]
  /// What messages call this.
  public let path: String

  /// Opens a directory's weights, or those of NeMo's archive where it is a file.
  ///
  /// - Throws: `IdiolectError`: `.notFound` without weights, `.invalidModel` for an index that does not fit its
  ///   shards or names a file elsewhere, and what opening the files throws.
  public init(directory: String) throws {
    if FilePath.isFolder(directory) == false {
      try self.init(archive: directory)
      return
    }
    for name in ["model.safetensors", "pytorch_model.bin"] {
      let single = "\(directory)/\(name)"
      let index = "\(single).index.json"
      if WeightStore.isThere(single) {
        try self.init(file: single)
        return
      }
      if WeightStore.isThere(index) {
        try self.init(index: index, directory: directory)
        return
      }
    }
    for name in WeightStore.checkpoints where WeightStore.isThere("\(directory)/\(name)") {
      try self.init(file: "\(directory)/\(name)")
      return
    }
    if let prefix = TensorFlowBundle.newest(in: directory) {
      self.init(bundle: try TensorFlowBundle(prefix: prefix), path: directory)
      return
    }
    throw IdiolectError(
      .notFound,
      "\(directory): has neither model.safetensors nor pytorch_model.bin, nor an index of shards of either, nor \(WeightStore.checkpoints.joined(separator: ", ")); copy the weights there"
    )
  }

  /// What trainers call PyTorch's weights, and a directory's are looked for under, in this order.
  private static let checkpoints = [
    "pytorch_model.pt", "pytorch_model.ckpt", "model.pt", "model.ckpt",
  ]

  private static func isThere(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path)
  }

  /// Opens the weights of an archive that NeMo wrote.
  ///
  /// - Throws: `.notFound`, `.inputOutput`, or `.invalidModel` that names the archive.
  public init(archive path: String) throws {
    let archive = try TarArchive(path: path)
    guard let file = try archive.tensors("model_weights.ckpt") else {
      throw IdiolectError(
        .invalidModel, "\(path): has no model_weights.ckpt: NeMo did not write it")
    }
    files = [file]
    home = file.entries.mapValues { _ in 0 }
    self.path = path
  }

  /// The variables of a TensorFlow checkpoint, in as many files as it has.
  ///
  /// - Parameter path: what messages call it.
  public init(bundle: TensorFlowBundle, path: String) {
    files = bundle.files
    home = Dictionary(
      bundle.files.enumerated().flatMap { position, file in file.names.map { ($0, position) } },
      uniquingKeysWith: { first, _ in first })
    self.path = path
  }

  /// Opens one file: safetensors, or by its ending (.bin, .pt, .pth, .ckpt) a PyTorch checkpoint.
  public init(file path: String) throws {
    let file = try WeightStore.open(path)
    files = [file]
    home = file.entries.mapValues { _ in 0 }
    self.path = path
  }

  private init(index path: String, directory: String) throws {
    func refuse(_ why: String) -> IdiolectError { IdiolectError(.invalidModel, "\(path): \(why)") }
    var shardOf: [String: String] = [:]
    for (name, node) in try JSONNode(path: path)["weight_map"].members() {
      let shard = try node.string()
      // A shard lies beside its index: a path could reach any file of the user's.
      guard shard.hasSuffix(".safetensors") || shard.hasSuffix(".bin"),
        !shard.hasPrefix("."), !shard.contains("/"),
        !shard.contains("\\"), !shard.utf8.contains(0)
      else { throw refuse("the shard '\(shard)' is not the name of a file in this directory") }
      guard shardOf.updateValue(shard, forKey: name) == nil else {
        throw refuse("the tensor '\(name)' is there twice")
      }
    }
    guard !shardOf.isEmpty else { throw refuse("its weight_map is empty") }
    var home: [String: Int] = [:]
    files = try Set(shardOf.values).sorted().enumerated().map { position, shard in
      let file = try WeightStore.open("\(directory)/\(shard)")
      for name in file.names {
        guard shardOf[name] == shard else {
          throw refuse("it does not list the tensor '\(name)' of \(shard)")
        }
        home[name] = position
      }
      return file
    }
    if let (name, shard) = shardOf.sorted(by: { $0.key < $1.key }).first(where: {
      home[$0.key] == nil
    }) {
      throw refuse("the tensor '\(name)' is not in \(shard)")
    }
    self.home = home
    self.path = path
  }

  /// All names, sorted.
  public var names: [String] { home.keys.sorted() }

  public func contains(_ name: String) -> Bool { home[name] != nil }

  /// The entry of a tensor; nil when there is none.
  public subscript(name: String) -> WeightEntry? {
    home[name].flatMap { files[$0].entries[name] }
  }

  /// See `WeightFile.entry(_:)`.
  public func entry(_ name: String) throws -> WeightEntry {
    try file(of: name).entry(name)
  }

  /// See `WeightFile.readFloats(_:)`.
  public func readFloats(_ name: String) throws -> [Float] { try file(of: name).readFloats(name) }

  /// See `WeightFile.readFloats(_:into:)`.
  public func readFloats(
    _ name: String, into destination: UnsafeMutableBufferPointer<Float>
  ) throws {
    try file(of: name).readFloats(name, into: destination)
  }

  /// See `WeightFile.readInt64s(_:)`.
  public func readInt64s(_ name: String) throws -> [Int64] { try file(of: name).readInt64s(name) }

  private static func open(_ path: String) throws -> any WeightFile {
    let endings = [".bin", ".pt", ".pth", ".ckpt"]
    return endings.contains(where: path.hasSuffix)
      ? try TorchFile(path: path) : try SafetensorsFile(path: path)
  }

  private func file(of name: String) throws -> any WeightFile {
    guard let position = home[name] else {
      throw IdiolectError(.invalidModel, "\(path): has no tensor '\(name)'")
    }
    return files[position]
  }
}
