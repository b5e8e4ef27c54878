/// Why a file is not a safetensors file that can be read: the cause of the `IdiolectError` that says so.
public enum SafetensorsFault: Error, Equatable, Sendable, CustomStringConvertible {
  case notARegularFile
  case tooShort(bytes: Int)
  case headerTooLarge(bytes: UInt64, limit: Int)
  case headerBeyondFile(bytes: Int, available: Int)
  case headerNotUTF8
  case headerTooDeep
  case headerNotJSON(String)
  case headerNotAnObject
  case duplicateName(String)
  case metadataNotStrings
  case malformedEntry(String, why: String)
  case unknownType(String, type: String)
  case shapeTooLarge(String)
  case offsetsReversed(String)
  case sizeMismatch(String, shape: [Int], needs: Int, has: Int)
  case outsideFile(String)
  case overlap(String, String)
  case gap(before: String, bytes: Int)
  case uncoveredEnd(bytes: Int)
  case shortenedWhileMapped

  public var description: String {
    switch self {
    case .notARegularFile: "it is no ordinary file"
    case .tooShort(let bytes): "it has \(bytes) bytes, too few for a header"
    case .headerTooLarge(let bytes, let limit):
      "its header claims \(bytes) bytes, more than the \(limit) that are sensible"
    case .headerBeyondFile(let bytes, let available):
      "its header claims \(bytes) bytes, but \(available) follow; is the download complete?"
    case .headerNotUTF8: "its header is not UTF-8"
    case .headerTooDeep: "its header is nested too deeply"
    case .headerNotJSON(let why): "its header is not JSON: \(why)"
    case .headerNotAnObject: "its header is not a JSON object"
    case .duplicateName(let name): "the name '\(name)' is there twice"
    case .metadataNotStrings: "its __metadata__ is not an object of strings"
    case .malformedEntry(let name, let why): "the entry of tensor '\(name)' \(why)"
    case .unknownType(let name, let type): "tensor '\(name)' has the unknown type '\(type)'"
    case .shapeTooLarge(let name): "the shape of tensor '\(name)' has more elements than can be"
    case .offsetsReversed(let name): "tensor '\(name)' ends before it begins"
    case .sizeMismatch(let name, let shape, let needs, let has):
      "tensor '\(name)' of shape \(shape) needs \(needs) bytes, but has \(has)"
    case .outsideFile(let name):
      "tensor '\(name)' lies beyond the end of the file; is the download complete?"
    case .overlap(let a, let b): "tensors '\(a)' and '\(b)' overlap"
    case .gap(let name, let bytes): "\(bytes) bytes before tensor '\(name)' belong to none"
    case .uncoveredEnd(let bytes): "\(bytes) bytes after the last tensor belong to none"
    case .shortenedWhileMapped: "it became shorter while it was being read"
    }
  }
}
