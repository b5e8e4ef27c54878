package import Basics

extension Transcript {
  /// This as a JSON object: times in seconds to the millisecond, confidences to four digits.
  ///
  /// - Parameter file: the recording's name, if it is to be said.
  package func json(file: String? = nil) -> JSONValue {
    var members: [(String, JSONValue)] = []
    if let file { members.append(("file", .string(file))) }
    members += [
      ("text", .string(text)),
      ("duration", .rounded(durationSeconds, digits: 3)),
      ("confidence", .rounded(Double(confidence), digits: 4)),
      ("words", .array(words.map { $0.json("word") })),
      ("tokens", .array(tokens.map { $0.json("token") })),
    ]
    return .object(JSONObject(members))
  }
}

extension Transcript.Piece {
  fileprivate func json(_ key: String) -> JSONValue {
    .object(
      JSONObject([
        (key, .string(text)),
        ("start", .rounded(startSeconds, digits: 3)),
        ("end", .rounded(endSeconds, digits: 3)),
        ("confidence", .rounded(Double(confidence), digits: 4)),
      ]))
  }
}

extension JSONValue {
  /// A number to so many decimal digits.
  package static func rounded(_ value: Double, digits: Int) -> JSONValue {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    return .number((value * scale).rounded() / scale)
  }
}
