/// A pickle's value, and the lists and dictionaries that it refers to by number: a file may nest them without end,
/// and nothing here may follow it there.
struct Pickle {
  var root = PickleValue.none
  var lists: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
}

/// A value of a pickle: what a dictionary of tensors is made of.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case tuple(PickleTuple)
  case list(Int)
  case dictionary(Int)
  /// A class or function by name, never called.
  case global(String)
  /// A storage: `('storage', class, key, …)`.
  case persistent(PickleTuple)
  /// What a known function would make of its arguments.
  case made(String, PickleTuple)

  var depth: Int {
    switch self {
    case .tuple(let tuple), .persistent(let tuple), .made(_, let tuple): tuple.depth
    default: 0
    }
  }
}

/// Values that never change, nested within bounds.
struct PickleTuple {
  let items: [PickleValue]
  let depth: Int

  init(_ items: [PickleValue]) {
    self.items = items
    depth = 1 + (items.map(\.depth).max() ?? 0)
  }
}

/// Reads pickles of protocols 0 to 5 so far as dictionaries of tensors need: nothing is ever executed, and classes,
/// functions and operations that such a dictionary has no use for are refused.
///
/// Format: Python's `pickletools`.
struct PickleReader {
  private let bytes: [UInt8]
  /// After what has been read.
  private(set) var offset: Int
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var made = Pickle()
  /// Tensors need no more than four.
  private static let deepest = 64

  /// Names that a dictionary of tensors refers to.
  private static let known: Set<String> = [
    "collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
    "torch.serialization._get_layout", "torch.Size", "torch.device", "torch.nn.parameter.Parameter",
    "torch.Tensor", "_codecs.encode", "builtins.dict", "__builtin__.dict", "builtins.set",
    "builtins.int", "builtins.float", "builtins.str", "builtins.bool", "builtins.list",
  ]

  private static func isKnown(_ name: String) -> Bool {
    if known.contains(name) { return true }
    let parts = name.split(separator: ".")
    // torch.FloatStorage, torch.storage.UntypedStorage, torch.float16.
    return parts.first == "torch" && parts.count <= 3
      && (name.hasSuffix("Storage") || TorchFile.types[String(parts.last!)] != nil)
  }

  init(_ bytes: [UInt8], from offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  /// The next pickle.
  ///
  /// - Throws: `TorchFault` for damage, and for an operation, class or function that is not known.
  mutating func next() throws -> Pickle {
    (stack, marks, memo, made) = ([], [], [:], Pickle())
    while true {
      let code = try byte()
      switch code {
      case 0x80: _ = try byte()  // protocol
      case 0x95: _ = try number(8)  // frame
      case UInt8(ascii: "."):
        guard let value = stack.popLast() else { throw damage() }
        made.root = value
        return made
      case UInt8(ascii: "("): marks.append(stack.count)
      case UInt8(ascii: "0"): _ = try pop()
      case UInt8(ascii: "1"): _ = try sinceMark()
      case UInt8(ascii: "2"): stack.append(try top())
      case UInt8(ascii: "N"): stack.append(.none)
      case 0x88: stack.append(.bool(true))
      case 0x89: stack.append(.bool(false))
      case UInt8(ascii: "K"): stack.append(.integer(Int(try byte())))
      case UInt8(ascii: "M"): stack.append(.integer(Int(try number(2))))
      case UInt8(ascii: "J"):
        stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
      case 0x8A: stack.append(try long(Int(try byte())))
      case 0x8B: stack.append(try long(Int(try number(4))))
      case UInt8(ascii: "G"):
        var value: UInt64 = 0
        for _ in 0..<8 { value = value << 8 | UInt64(try byte()) }
        stack.append(.number(Double(bitPattern: value)))
      case UInt8(ascii: "X"): stack.append(.text(try text(Int(try number(4)))))
      case 0x8C: stack.append(.text(try text(Int(try byte()))))
      case 0x8D: stack.append(.text(try text(try size(8))))
      case UInt8(ascii: "U"), UInt8(ascii: "C"): stack.append(.text(try text(Int(try byte()))))
      case UInt8(ascii: "T"), UInt8(ascii: "B"):
        stack.append(.text(try text(Int(try number(4)))))
      case UInt8(ascii: ")"): stack.append(.tuple(PickleTuple([])))
      case UInt8(ascii: "t"):
        let items = try sinceMark()
        stack.append(.tuple(try tuple(items)))
      case 0x85, 0x86, 0x87:
        let count = Int(code) - 0x84
        guard stack.count - (marks.last ?? 0) >= count else { throw damage() }
        let items = Array(stack.suffix(count))
        stack.removeLast(count)
        stack.append(.tuple(try tuple(items)))
      case UInt8(ascii: "]"): stack.append(list([]))
      case UInt8(ascii: "l"):
        let items = try sinceMark()
        stack.append(list(items))
      case UInt8(ascii: "}"): stack.append(dictionary([]))
      case UInt8(ascii: "a"):
        let item = try pop()
        try append([item])
      case UInt8(ascii: "e"):
        let items = try sinceMark()
        try append(items)
      case UInt8(ascii: "s"):
        let value = try pop()
        let key = try pop()
        try set([key, value])
      case UInt8(ascii: "u"):
        let items = try sinceMark()
        try set(items)
      case UInt8(ascii: "q"): memo[Int(try byte())] = try top()
      case UInt8(ascii: "r"): memo[Int(try number(4))] = try top()
      case 0x94: memo[memo.count] = try top()
      case UInt8(ascii: "h"): stack.append(try recalled(Int(try byte())))
      case UInt8(ascii: "j"): stack.append(try recalled(Int(try number(4))))
      case UInt8(ascii: "c"): stack.append(try global("\(try line()).\(try line())"))
      case 0x93:
        guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
          throw damage()
        }
        stack.append(try global("\(module).\(name)"))
      case UInt8(ascii: "Q"):
        guard case .tuple(let parts) = try pop() else { throw damage() }
        stack.append(.persistent(parts))
      case UInt8(ascii: "R"), 0x81:
        guard case .tuple(let arguments) = try pop(), case .global(let name) = try pop() else {
          throw damage()
        }
        let value = make(name, arguments)
        stack.append(value)
      case UInt8(ascii: "b"):
        // What a parameter or a dictionary has beside its contents changes no tensor.
        _ = try pop()
      default:
        throw TorchFault(
          "its pickle has the operation 0x\(String(code, radix: 16)) at byte \(offset - 1), which a dictionary of tensors does not need; it is not run"
        )
      }
      guard memo.count <= 4_000_000, stack.count <= 4_000_000 else {
        throw TorchFault("its pickle has more than four million values")
      }
    }
  }

  private func damage() -> TorchFault { TorchFault("its pickle is damaged at byte \(offset)") }

  private mutating func byte() throws -> UInt8 {
    guard offset < bytes.count else { throw TorchFault("its pickle ends too early") }
    defer { offset += 1 }
    return bytes[offset]
  }

  private mutating func number(_ count: Int) throws -> UInt64 {
    var value: UInt64 = 0
    for place in 0..<count { value |= UInt64(try byte()) << (8 * UInt64(place)) }
    return value
  }

  private mutating func size(_ count: Int) throws -> Int {
    guard let size = Int(exactly: try number(count)) else { throw damage() }
    return size
  }

  private mutating func text(_ count: Int) throws -> String {
    guard count >= 0, count <= bytes.count - offset else {
      throw TorchFault("its pickle ends too early")
    }
    defer { offset += count }
    return String(decoding: bytes[offset..<offset + count], as: UTF8.self)
  }

  private mutating func line() throws -> String {
    guard let end = bytes[offset...].firstIndex(of: UInt8(ascii: "\n")), end - offset < 1024 else {
      throw damage()
    }
    defer { offset = end + 1 }
    return String(decoding: bytes[offset..<end], as: UTF8.self)
  }

  /// A whole number of so many bytes; one that fits no Int is of no use here.
  private mutating func long(_ count: Int) throws -> PickleValue {
    guard count >= 0, count <= 1024 else { throw damage() }
    var value: UInt64 = 0
    var last: UInt8 = 0
    for place in 0..<count {
      last = try byte()
      if place < 8 { value |= UInt64(last) << (8 * UInt64(place)) }
    }
    guard count > 0 else { return .integer(0) }
    if count > 8 { return .number(.infinity) }
    if count < 8 && last & 0x80 != 0 { value |= ~UInt64(0) << (8 * UInt64(count)) }
    return .integer(Int(bitPattern: UInt(value)))
  }

  private func top() throws -> PickleValue {
    guard let value = stack.last, stack.count > marks.last ?? 0 else { throw damage() }
    return value
  }

  private mutating func pop() throws -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func sinceMark() throws -> [PickleValue] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw damage() }
    let items = Array(stack[mark...])
    stack.removeLast(stack.count - mark)
    return items
  }

  private func recalled(_ place: Int) throws -> PickleValue {
    guard let value = memo[place] else { throw damage() }
    return value
  }

  private func tuple(_ items: [PickleValue]) throws -> PickleTuple {
    let tuple = PickleTuple(items)
    guard tuple.depth <= PickleReader.deepest else {
      throw TorchFault("its pickle is nested more deeply than tensors are")
    }
    return tuple
  }

  private mutating func list(_ items: [PickleValue]) -> PickleValue {
    made.lists.append(items)
    return .list(made.lists.count - 1)
  }

  private mutating func dictionary(
    _ items: [(key: PickleValue, value: PickleValue)]
  ) -> PickleValue {
    made.dictionaries.append(items)
    return .dictionary(made.dictionaries.count - 1)
  }

  private mutating func append(_ items: [PickleValue]) throws {
    guard case .list(let list) = try top() else { throw damage() }
    made.lists[list] += items
  }

  private mutating func set(_ items: [PickleValue]) throws {
    guard case .dictionary(let dictionary) = try top(), items.count % 2 == 0 else { throw damage() }
    for index in stride(from: 0, to: items.count, by: 2) {
      made.dictionaries[dictionary].append((items[index], items[index + 1]))
    }
  }

  private func global(_ name: String) throws -> PickleValue {
    guard PickleReader.isKnown(name) else {
      throw TorchFault(
        "its pickle refers to \(name), which a dictionary of tensors does not need; nothing of it is run. Save the weights alone: torch.save(model.state_dict(), path)"
      )
    }
    return .global(name)
  }

  private mutating func make(_ name: String, _ arguments: PickleTuple) -> PickleValue {
    switch name {
    case "collections.OrderedDict", "builtins.dict", "__builtin__.dict":
      var items: [(key: PickleValue, value: PickleValue)] = []
      if case .list(let pairs)? = arguments.items.first {
        for case .tuple(let pair) in made.lists[pairs] where pair.items.count == 2 {
          items.append((pair.items[0], pair.items[1]))
        }
      }
      return dictionary(items)
    default: return .made(name, arguments)
    }
  }
}
