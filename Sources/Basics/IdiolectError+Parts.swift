import Foundation

extension IdiolectError {
  /// The message without the file's name, parted at its last semicolon into cause and remedy.
  ///
  /// - Parameters:
  ///   - name: what the message begins with and the reader of the parts knows already.
  ///   - remedy: taken where the message has none.
  package func parts(without name: String, remedy: String) -> (cause: String, remedy: String) {
    var text = message[...]
    if text.hasPrefix("\(name): ") { text = text.dropFirst(name.count + 2) }
    guard let cut = text.range(of: "; ", options: .backwards) else {
      return (String(text), remedy)
    }
    return (String(text[..<cut.lowerBound]), String(text[cut.upperBound...]))
  }
}
