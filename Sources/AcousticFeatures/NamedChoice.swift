/// A setting that is one of several names; another name in a settings file is an error that lists them.
public protocol NamedChoice: RawRepresentable, CaseIterable, Codable, Sendable, Hashable
where RawValue == String {}

extension NamedChoice {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let choice = Self(rawValue: name) else {
      let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        in: container,
        // Shown as code has it: whatever it holds, on one line.
        debugDescription: "\(String(reflecting: String(name.prefix(40)))) is none of \(known)")
    }
    self = choice
  }
}
