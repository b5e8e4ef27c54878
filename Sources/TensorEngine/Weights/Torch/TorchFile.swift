import Basics
import Foundation

/// The tensors of a PyTorch checkpoint (`.bin`, `.pt`, `.pth`, `.ckpt`), mapped into memory like those of a
/// safetensors file. Its pickle is parsed, never run. Views, such as transposed tensors, are laid out as they are read.
///
/// Reads what `torch.save` wrote: a zip archive, or the older sequence of pickles before the storages. Tensors that
/// lie under `state_dict`, `model` or `model_state_dict` are named without that.
public struct TorchFile: MappedTensors {
  public let path: String
  public let entries: [String: WeightEntry]
  public let names: [String]
  public var metadata: [String: String] { [:] }
  let map: MappedFile

  /// - Throws: `IdiolectError`: `.notFound`, `.inputOutput`, or `.invalidModel` that names the file and what is
  ///   wrong with it.
  public init(path: String) throws {
    try self.init(path: path) { try MappedFile(path: path) }
  }

  /// - Parameter open: maps the checkpoint, which may be a part of a file.
  init(path: String, open: () throws -> MappedFile) throws {
    self.path = path
    (map, names, entries) = try Self.naming(path) {
      let map = try open()
      let storages: Storages
      let pickle: Pickle
      var head = [UInt8](repeating: 0, count: min(4, map.size))
      try head.withUnsafeMutableBytes { try map.copy(from: 0, into: $0) }
      if head == [0x50, 0x4B, 3, 4] {
        (pickle, storages) = try Self.archive(map)
      } else {
        (pickle, storages) = try Self.sequence(map)
      }
      let (names, entries) = try Self.tensors(pickle, storages)
      return (map, names, entries)
    }
  }

  /// Where a storage of a key lies.
  private typealias Storages = (_ key: String, _ bytes: Int) throws -> Int

  private static func bytes(_ map: MappedFile, _ range: Range<Int>) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    try bytes.withUnsafeMutableBytes { try map.copy(from: range.lowerBound, into: $0) }
    return bytes
  }

  /// A pickle is names and sizes: 64 MiB serve millions of tensors.
  private static let pickleLimit = 64 << 20

  private static func archive(_ map: MappedFile) throws -> (Pickle, Storages) {
    let directory = try ZipDirectory(size: map.size) { try bytes(map, $0..<$0 + $1) }
    guard let pickle = directory.members.keys.first(where: { $0.hasSuffix("/data.pkl") }) else {
      throw TorchFault("the archive has no data.pkl: torch.save did not write it")
    }
    let root = String(pickle.dropLast("data.pkl".count))
    if let order = directory.members["\(root)byteorder"], order.count < 16 {
      guard String(decoding: try bytes(map, order), as: UTF8.self) == "little" else {
        throw TorchFault("its numbers are big-endian; save it on a little-endian machine")
      }
    }
    let range = directory.members[pickle]!
    guard range.count <= pickleLimit else {
      throw TorchFault("its pickle has \(range.count) bytes, more than is sensible")
    }
    var reader = PickleReader(try bytes(map, range))
    return (
      try reader.next(),
      { key, count in
        guard let place = directory.members["\(root)data/\(key)"] else {
          throw TorchFault("the storage '\(key)' is missing")
        }
        guard place.count >= count else {
          throw TorchFault("the storage '\(key)' has \(place.count) bytes, \(count) are needed")
        }
        return place.lowerBound
      }
    )
  }

  /// As before PyTorch 1.6: a magic number, a version, the machine, the dictionary, the storages' keys; then for
  /// each the number of its elements, and these.
  private static func sequence(_ map: MappedFile) throws -> (Pickle, Storages) {
    var reader = PickleReader(try bytes(map, 0..<min(map.size, pickleLimit)))
    // 0x1950a86a20f9469cfc6c, which fits no Int.
    func require(_ holds: Bool) throws {
      guard holds else {
        throw TorchFault("it is neither a zip archive nor what older versions of torch.save wrote")
      }
    }
    let magic = try reader.next().root
    if case .number(let number) = magic {
      try require(number == .infinity)
    } else {
      try require(false)
    }
    let version = try reader.next().root
    if case .integer(let number) = version {
      try require(number == 1001)
    } else {
      try require(false)
    }
    _ = try reader.next()
    let root = try reader.next()
    let last = try reader.next()
    guard case .list(let keys) = last.root else {
      throw TorchFault("its list of storages is missing")
    }
    var widths: [String: Int] = [:]
    try walk(root) { tensor in widths[tensor.key] = tensor.type.size }
    var places: [String: Range<Int>] = [:]
    var offset = reader.offset
    for case .text(let key) in last.lists[keys] {
      guard offset <= map.size - 8 else { throw TorchFault("it ends before its storages do") }
      let count = try ByteReader(try bytes(map, offset..<offset + 8)).require64(0)
      // Storages that no tensor of the dictionary uses cannot be told apart in size.
      guard let width = widths[key] else {
        throw TorchFault("the storage '\(key)' belongs to no tensor")
      }
      let (size, overflow) = count.multipliedReportingOverflow(by: width)
      guard !overflow, size <= map.size - offset - 8 else {
        throw TorchFault("the storage '\(key)' lies beyond the file; is the download complete?")
      }
      places[key] = offset + 8..<offset + 8 + size
      offset += 8 + size
    }
    let known = places
    return (
      root,
      { key, count in
        guard let place = known[key], place.count >= count else {
          throw TorchFault("the storage '\(key)' is missing or too small")
        }
        return place.lowerBound
      }
    )
  }

  /// Element types by the names of PyTorch's storages and types.
  static let types: [String: SafetensorsType] = [
    "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
    "DoubleStorage": .float64, "LongStorage": .int64, "IntStorage": .int32,
    "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
    "float32": .float32, "float16": .float16, "bfloat16": .bfloat16, "float64": .float64,
    "int64": .int64, "int32": .int32, "int16": .int16, "int8": .int8, "uint8": .uint8,
    "bool": .bool,
  ]

  /// A tensor as the pickle describes it.
  private struct Described {
    let name: String
    let type: SafetensorsType
    let key: String
    /// Of its first element in the storage.
    let first: Int
    let shape: [Int]
    let strides: [Int]
  }

  /// Hands over the tensors of a dictionary, of the one under a usual key where there is one.
  private static func walk(_ pickle: Pickle, _ body: (Described) throws -> Void) throws {
    guard case .dictionary(var dictionary) = pickle.root else {
      throw TorchFault("it holds no dictionary of tensors; save model.state_dict()")
    }
    for wanted in ["state_dict", "model_state_dict", "model"] {
      for case (.text(wanted), .dictionary(let inner)) in pickle.dictionaries[dictionary] {
        dictionary = inner
      }
    }
    for (key, value) in pickle.dictionaries[dictionary] {
      guard case .text(let name) = key else { continue }
      if let tensor = try describe(name, value) { try body(tensor) }
    }
  }

  /// nil for what is no tensor.
  private static func describe(_ name: String, _ value: PickleValue) throws -> Described? {
    guard case .made(let function, let given) = value else { return nil }
    if function.hasPrefix("torch._utils._rebuild_parameter") || function.hasSuffix(".Parameter") {
      return try given.items.first.flatMap { try describe(name, $0) }
    }
    guard function.hasPrefix("torch._utils._rebuild_tensor") else { return nil }
    func integers(_ value: PickleValue) -> [Int]? {
      guard case .tuple(let tuple) = value else { return nil }
      let numbers = tuple.items.compactMap { item -> Int? in
        if case .integer(let number) = item, number >= 0 { number } else { nil }
      }
      return numbers.count == tuple.items.count ? numbers : nil
    }
    let arguments = given.items
    guard arguments.count >= 4, case .persistent(let tuple) = arguments[0],
      case let storage = tuple.items, storage.count >= 4,
      case .global(let kind) = storage[1], case .text(let key) = storage[2],
      case .integer(let first) = arguments[1], first >= 0, let shape = integers(arguments[2]),
      let strides = integers(arguments[3]), strides.count == shape.count
    else { throw TorchFault("tensor '\(name)' is described in a way that is not known") }
    guard let type = types[String(kind.split(separator: ".").last!)] else {
      throw TorchFault("tensor '\(name)' has the unknown type \(kind)")
    }
    return Described(
      name: name, type: type, key: key, first: first, shape: shape, strides: strides)
  }

  private static func tensors(
    _ pickle: Pickle, _ storages: Storages
  ) throws -> ([String], [String: WeightEntry]) {
    var names: [String] = []
    var entries: [String: WeightEntry] = [:]
    try walk(pickle) { tensor in
      func refuse(_ why: String) -> TorchFault { TorchFault("tensor '\(tensor.name)' \(why)") }
      // The span is of the elements from its first to its last.
      var (count, span, isContiguous) = (1, 1, true)
      for (size, stride) in zip(tensor.shape, tensor.strides).reversed() {
        isContiguous = isContiguous && (size == 1 || stride == count)
        let (product, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow else { throw refuse("has a shape of more elements than can be") }
        count = product
        let (reach, isFar) = max(0, size - 1).multipliedReportingOverflow(by: stride)
        let (sum, isFarther) = span.addingReportingOverflow(reach)
        guard !isFar, !isFarther else { throw refuse("lies beyond its storage") }
        span = sum
      }
      if count == 0 { (span, isContiguous) = (0, true) }
      // What repeats elements has no bound in the file's size.
      guard count <= span else {
        throw refuse("repeats elements of its storage; save it with .contiguous()")
      }
      let (last, overflow) = tensor.first.addingReportingOverflow(span)
      let (bytes, tooMany) = last.multipliedReportingOverflow(by: tensor.type.size)
      guard !overflow, !tooMany else { throw refuse("lies beyond its storage") }
      let start = try storages(tensor.key, bytes) + tensor.first * tensor.type.size
      // An axis of one element has no next, however far.
      let strides = zip(tensor.shape, tensor.strides).map { $0 == 1 ? 0 : $1 }
      let entry = WeightEntry(
        type: tensor.type, shape: tensor.shape,
        byteRange: start..<start + span * tensor.type.size,
        strides: isContiguous ? nil : strides)
      guard entries.updateValue(entry, forKey: tensor.name) == nil else {
        throw TorchFault("the name '\(tensor.name)' is there twice")
      }
      names.append(tensor.name)
    }
    guard !names.isEmpty else { throw TorchFault("it holds no tensors") }
    return (names, entries)
  }

  static func naming<T>(_ path: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let fault as TorchFault {
      throw IdiolectError(
        .invalidModel, "\(path): not a PyTorch checkpoint that can be read: \(fault)", cause: fault)
    } catch let fault as SafetensorsFault {
      throw IdiolectError(.invalidModel, "\(path): cannot be read: \(fault)", cause: fault)
    }
  }
}
